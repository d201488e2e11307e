/** One thing that was looked at: well, worth to know, or wrong. */
export interface Finding {
  readonly topic: string
  readonly level: 'ok' | 'note' | 'problem'
  readonly text: string
  /** What to do about it; null: nothing. */
  readonly advice: string | null
}

export function ok(topic: string, text: string): Finding {
  return { topic, level: 'ok', text, advice: null }
}

export function note(topic: string, text: string, advice: string | null = null): Finding {
  return { topic, level: 'note', text, advice }
}

export function problem(topic: string, text: string, advice: string | null = null): Finding {
  return { topic, level: 'problem', text, advice }
}
