/** The names of what a process can be in. */

export type ProcessState = 'pending' | 'starting' | 'running' | 'unhealthy' | 'backoff' | 'stopping' | 'exited' | 'orphaned'

/** The state in the words of a job's user. */
export type ProcessStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled' | 'orphaned'
