/** Which keeper serves a state directory, and why: for `procman doctor`. */
export { describeKeeper } from './effects/run/keeper-program.ts'
