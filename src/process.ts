/** What a process is, for surfaces that show one or stand in for one: its machine, its record, waiting for what becomes of it. */
export type { ProcessCommand } from './machines/process/events.ts'
export { processMachine } from './machines/process/machine.ts'
export { type ProcessRecord, toRecord } from './machines/process/record.ts'
export type { ProcessState } from './machines/process/states.ts'
export { explainProcess } from './machines/process/why.ts'
export { type SupervisorEmitted, type SupervisorMachine, supervisorMachine } from './machines/supervisor/machine.ts'
export { type ActorSnapshot, until } from './supervisor/wait.ts'
