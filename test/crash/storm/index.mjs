// The storm for those who do not start it from a command line. Types are in index.d.mts.
export { doubtsOf, judgeAgreement, judgeEnd, judgeLines, judgeRun, judgeStanding, overlapsOf } from './checks.mjs'
export { heldTwice, Ledger } from './ledger.mjs'
export { runStorm } from './run.mjs'
export { compiler } from './subject.mjs'
export { Trace } from './trace.mjs'
