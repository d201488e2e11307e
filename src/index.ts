/** The public API of procman, every name by hand. */
export type {
  Arrival,
  Attachment,
  AttachOptions,
  CheckInput,
  LabelFilter,
  ListFilter,
  LogChunk,
  LogLine,
  LogLines,
  LogPaths,
  LogStats,
  LogsInput,
  PortInput,
  Positioned,
  ProbeInput,
  Problem,
  ProcessInput,
  ProcessRef,
  Reader,
  StreamStats,
  Supervisor,
  SupervisorOptions,
  WaitOptions,
  WatchOptions,
} from './api.ts'
export {
  type CollectEvent,
  type CollectLogsOptions,
  type CollectOptions,
  type Collector,
  type CollectRules,
  collectLogs,
  type FileTarget,
  type FunctionTarget,
  type HttpTarget,
  type LogRecord,
  type LogTarget,
  type RecordSelector,
  type StreamTarget,
  type SyslogTarget,
  type TargetStatus,
} from './collect.ts'
export type { WaitCondition } from './conditions.ts'
export type { ConfigProblem, LogLevel, ManagerSettings, Project } from './config/contract.ts'
export type { LoadOptions } from './config/load.ts'
export { connect } from './control/connect.ts'
export type { ConnectOptions, ControlLog, ControlServer, ListenOptions, RemoteManager, RemoteSupervisor, ServeControlOptions } from './control/contract.ts'
export { serveControl } from './control/serve.ts'
export type { DesiredProcess, DesiredStateObserver, DesiredStateProvider } from './desired.ts'
export type { ProbeFunction } from './effects/probe/ports.ts'
export { ERROR_CODES, isProcmanError, ProcmanError, type ProcmanErrorCode } from './errors.ts'
export { loadProject } from './load-project.ts'
export type { ProcessCommand, ProcessEmitted, ProcessEvent, ProcessFact } from './machines/process/events.ts'
export type { HealthRecord, ProbeRecord } from './machines/process/health-record.ts'
export { type ProcessMachine, processMachine } from './machines/process/machine.ts'
export type { ProcessRecord } from './machines/process/record.ts'
export { compareSpecs, type SpecDifference } from './machines/process/respec.ts'
export type { AttemptsRecord, BreakerRecord } from './machines/process/restart-record.ts'
export type { ProcessState, ProcessStatus } from './machines/process/states.ts'
export { explainProcess } from './machines/process/why.ts'
export type { ReconcilerEmitted } from './machines/reconciler/events.ts'
export type { ReconcilerMachine } from './machines/reconciler/machine.ts'
export type { SupervisorEmitted, SupervisorMachine } from './machines/supervisor/machine.ts'
export type { ApplyReport, PlanLine } from './manager/contract.ts'
export { type FileOptions, fromFile } from './manager/project-file.ts'
export type { Capture, Compression, LogsSpec, Progress, ProgressSpec } from './output.ts'
export { createReader } from './reader.ts'
export { fromAsyncIterable, fromFunction, fromList } from './reconciler/providers/from.ts'
export { fromInstances, type InstancesOptions } from './reconciler/providers/instances.ts'
export {
  createReconciler,
  type DrainOptions,
  type PlanOptions,
  planProcesses,
  type ReconcileOptions,
  type Reconciler,
  type ReconcilerOptions,
} from './reconciler.ts'
export { RingBuffer } from './ring-buffer.ts'
export { sanitizeContext, sanitizeEvent } from './sanitize.ts'
export { openStdin, type StdinWriter } from './stdin.ts'
export { createSupervisor, supervisorLogic, supervisorOf } from './supervisor.ts'
export type { ProcessTable } from './table.ts'
export type {
  BreakerPolicy,
  DependencyCondition,
  HealthSpec,
  Identity,
  LaunchFailure,
  Outcome,
  PortSpec,
  ProbeCheck,
  ProbeName,
  ProbeSpec,
  ProcessContext,
  ProcessSpec,
  ReadySpec,
  Reason,
  RestartCause,
  RestartPolicy,
  RestartStrategy,
  StopPolicy,
  StopRung,
  TlsOptions,
} from './types.ts'
export { type WaitForHealthOptions, waitForHealth } from './wait-for-health.ts'
export { type NamedLine, type WatchAllOptions, watchAll } from './watch-all.ts'
