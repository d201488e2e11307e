/** A line of `show`; without a name it goes on with the one above. */
export type Row = readonly [name: string, value: string]
