/** How much of what could be tried is tried: `npm test` takes some of each kind, PROCMAN_TEST_FULL=1 takes all. */
export const IS_FULL = process.env.PROCMAN_TEST_FULL !== undefined

/** Every `nth` of all, beginning with the first; all of them in the long form. */
export function some<T>(all: readonly T[], nth: number): readonly T[] {
  return IS_FULL ? all : all.filter((_, index) => index % nth === 0)
}
