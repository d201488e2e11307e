/** The daemon: a manager in the background. */
import { daemonLogOf } from './start.ts'

console.error(daemonLogOf(''))
