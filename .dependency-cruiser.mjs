/** The import rules of DESIGN, section 6: a file's path says whether it can touch the world. `npm run check` applies them. */
const machines = '^src/machines/'
const contracts = '^src/effects/[^/]+/contract\\.ts$'

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle of imports (types aside) is two rooms that are one.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'machines-are-pure',
      comment:
        'Machines and their decisions know xstate, the shared types and the contracts of effects: no Node, no clock, no disk. Templates are pure too: what a changed label changes is what they make of it.',
      severity: 'error',
      from: { path: machines },
      to: { pathNot: [machines, contracts, '^src/(types|output|spread|probe-interval|template)\\.ts$', '^node_modules/xstate/'] },
    },
    {
      name: 'contracts-are-types',
      comment: 'What machines may import of effects holds types only.',
      severity: 'error',
      from: { path: contracts },
      to: { pathNot: '^src/(types|output)\\.ts$' },
    },
    {
      name: 'effects-know-no-policy',
      comment: 'Effects report facts and obey commands: they never see machines, persistence or a surface above them.',
      severity: 'error',
      from: { path: '^src/effects/' },
      to: { path: ['^src/machines/', '^src/persistence/', '^src/cli/', '^src/control/', '^src/supervisor'] },
    },
    {
      name: 'persistence-keeps-to-itself',
      comment: 'Persistence keeps snapshots; what they mean is for machines, what happens for effects.',
      severity: 'error',
      from: { path: '^src/persistence/' },
      to: { path: ['^src/effects/', '^src/cli/', '^src/control/', '^src/machines/', '^src/supervisor'] },
    },
    {
      name: 'surfaces-use-the-public-api',
      comment: 'Command line and control API stand on what a user of the library has, not on inner files.',
      severity: 'error',
      from: { path: ['^src/cli/', '^src/control/'] },
      to: { path: ['^src/machines/', '^src/effects/', '^src/persistence/', '^src/supervisor/'] },
    },
    {
      name: 'manager-composes-surfaces',
      comment:
        'The manager puts supervisor, reconciler, config and control together: what is inside of the supervisor is not its business, nor is the command line.',
      severity: 'error',
      from: { path: '^src/manager/' },
      to: { path: ['^src/machines/', '^src/effects/', '^src/persistence/', '^src/supervisor/', '^src/cli/'] },
    },
    {
      name: 'one-meeting-place',
      comment: 'Machines, effects and persistence meet in src/supervisor.ts with its folder, and in the lock-free reader.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/(machines|effects|persistence|supervisor|reconciler|cli|control|spec)/',
          '^src/(supervisor|reconciler|reader|index|api|table|select|conditions|process|sanitize|stdin|state-dir|keeper|wait-for-health|changes|logs).ts$',
        ],
      },
      to: { path: ['^src/machines/', '^src/effects/', '^src/persistence/'] },
    },
    {
      name: 'reconciler-is-a-user-of-the-supervisor',
      comment: 'The reconciler meets its machine and the deadline in src/reconciler.ts with its folder; of the supervisor it knows what everybody knows.',
      severity: 'error',
      from: { path: '^src/reconciler(/|\\.ts$)' },
      to: {
        path: ['^src/(machines|effects|persistence|supervisor|cli|control)(/|\\.ts$)', '^src/reader\\.ts$'],
        pathNot: ['^src/machines/reconciler/', '^src/effects/(effect\\.ts$|deadline/)'],
      },
    },
    {
      name: 'collection-is-a-user-of-the-supervisor',
      comment:
        'Log collection reads and delivers what the supervisor tells of: it knows no machines, and no files of processes but what src/logs.ts tells of them.',
      severity: 'error',
      from: { path: '^src/collect(/|\\.ts$)' },
      to: { path: '^src/((machines|effects|persistence|supervisor|manager|cli|control|config)/|(reader|keeper)\\.ts$)' },
    },
    {
      name: 'records-are-pure',
      comment: 'What a line becomes, who gets it and how it is written down: no Node, no clock, no disk.',
      severity: 'error',
      from: { path: '^src/collect/(record|select|format)/' },
      to: { pathNot: ['^src/collect/(record|select|format)/', '^src/(api|select)\\.ts$'] },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports is dead.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/index\\.ts$'] },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'], extensions: ['.ts', '.js'] },
  },
}
