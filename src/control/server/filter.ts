/** A filter as it stands in a query. */
import type { ListFilter } from '../../api.ts'

interface Asked {
  readonly status?: string | readonly string[] | undefined
  readonly label?: string | readonly string[] | undefined
}

/** `label=tier=web&label=db`: all must match; a name alone: the label is there; several values of one name: one of them. A status that there is not is told by the library. */
export function filterOf({ status, label }: Asked): ListFilter {
  const statuses = listed(status) as Extract<ListFilter['status'], readonly unknown[]>
  const wanted = new Map<string, string[]>()
  for (const text of listed(label)) {
    const [name = '', ...value] = text.split('=')
    const values = wanted.get(name) ?? []
    wanted.set(name, value.length === 0 ? values : [...values, value.join('=')])
  }
  const labels = Object.fromEntries([...wanted].map(([name, values]) => [name, values.length === 0 ? { exists: true } : { in: values }]))
  return { ...(statuses.length === 0 ? {} : { status: statuses }), ...(wanted.size === 0 ? {} : { labels }) }
}

function listed(given: string | readonly string[] | undefined): readonly string[] {
  return [given ?? []].flat().flatMap((text) => text.split(','))
}
