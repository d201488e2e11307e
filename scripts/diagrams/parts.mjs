/** What makes a run ready. */
const READINESS = ['run.launched', 'ready.signalled', 'probe.passed']

/** The parts of a machine that the pages under docs/ explain, by machine and name of the picture. */
export const PARTS = {
  process: {
    health: {
      title: 'Health: a part of the process machine',
      states: ['starting', 'running', 'unhealthy', 'stopping'],
      edges: [...READINESS, 'probe.failed', 'startup.timed-out', 'always'],
      within: ['ready.signalled', 'probe.passed', 'probe.failed'],
    },
    restart: {
      title: 'Restarts: a part of the process machine',
      states: ['starting', 'running', 'stopping', 'backoff', 'exited', 'orphaned'],
      edges: [...READINESS, 'run.ended', 'deadline.passed', 'process.start', 'process.restart', 'process.reset', 'process.stop', 'always'],
      within: ['run.steadied', 'process.reset'],
    },
    ports: {
      title: 'Ports: a part of the process machine',
      states: ['starting', 'running', 'backoff', 'exited'],
      edges: [...READINESS, 'run.ended', 'deadline.passed'],
      within: ['run.ports-assigned'],
    },
  },
}
