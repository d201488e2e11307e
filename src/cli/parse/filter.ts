/** Options of `list` to the library's `ListFilter`. */
import type { ListFilter } from '../../api.ts'
import { STATUSES } from '../../select.ts'
import { parseChoice } from './choice.ts'
import { parseLabelFilter } from './labels.ts'

export function parseFilter(options: { readonly status?: readonly string[]; readonly label?: readonly string[] }): ListFilter {
  const status = (options.status ?? []).flatMap((text) => text.split(',')).map((text) => parseChoice(text, '--status', STATUSES))
  const labels = parseLabelFilter(options.label ?? [])
  return { ...(status.length === 0 ? {} : { status }), ...(labels === undefined ? {} : { labels }) }
}
