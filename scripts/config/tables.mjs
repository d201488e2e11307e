/** A JSON Schema as tables: a section for each of its definitions, a row for each key. */

const DEFS = '#/$defs/'

export function tablesOf(schema) {
  const sections = [['The file', schema], ...Object.entries(schema.$defs).map(([name, part]) => [`\`${name}\``, part])]
  return sections.map(([title, part]) => sectionOf(title, part, schema.$defs)).join('\n')
}

function sectionOf(title, { description, properties, required = [] }, defs) {
  const rows = Object.entries(properties).map(([key, value]) => [
    `\`${key}\``,
    typeOf(value),
    required.includes(key) ? 'required' : 'default' in value ? `\`${JSON.stringify(value.default)}\`` : '',
    meaningOf(value, defs),
  ])
  const table = [['key', 'type', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows]
  return `### ${title}\n\n${description}\n\n${table.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`
}

function meaningOf({ description, $ref = '' }, defs) {
  return (description ?? defs[$ref.slice(DEFS.length)]?.description ?? '').replaceAll('|', '\\|')
}

function typeOf(schema) {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(DEFS.length)
    return `[${name}](#${name})`
  }
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.filter((part) => !isReference(part) && part.type !== 'null').map(typeOf))].join(' or ')
  if (schema.title !== undefined) return schema.title
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.type === 'array') return `list of ${typeOf(schema.items)}`
  if (schema.type === 'object') return `map of ${typeOf(schema.additionalProperties)}`
  return wordsOf(schema)
}

function wordsOf({ type, minimum, maximum, exclusiveMinimum }) {
  // What takes numbers and flags beside texts takes them as texts.
  const word = Array.isArray(type) ? 'text' : ({ string: 'text', integer: 'whole number', number: 'number', boolean: 'true or false' }[type] ?? type)
  if (exclusiveMinimum !== undefined) return `${word}, more than ${exclusiveMinimum}`
  if (maximum !== undefined) return `${word}, ${minimum} to ${maximum}`
  return minimum === undefined ? word : `${word}, ${minimum} or more`
}

/** `${env.NAME}` may stand for any value; the page says so once. */
function isReference({ pattern }) {
  return pattern?.startsWith('\\$\\{env') === true
}
