/** Which keeper serves a state directory, and why: for `procman doctor`. */
export { describeKeeper, type KeeperProgram } from './effects/run/keeper-program.ts'
