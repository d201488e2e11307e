/** The verbs that look at everything at once: a live table, events; and what helps at the prompt. */
import type { Verbs } from './program.ts'

export function addViewVerbs(_verbs: Verbs): void {}
