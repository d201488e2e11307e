// The storm for those who do not start it from a command line. Types are in index.d.mts.
export {
  differencesOf,
  doubtsOf,
  judgeAgreement,
  judgeEnd,
  judgeInput,
  judgeLeftover,
  judgeLines,
  judgeRun,
  judgeStanding,
  judgeUnheard,
  overlapsOf,
} from './checks.mjs'
export { heldTwice, Ledger } from './ledger.mjs'
export { runStorm } from './run.mjs'
export { compiler } from './subject.mjs'
export { Trace } from './trace.mjs'
