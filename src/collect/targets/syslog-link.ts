/** What carries messages of syslog. */
export interface SyslogLink {
  /** Resolves once they are handed over. */
  send(messages: readonly Buffer[], signal: AbortSignal): Promise<void>
  close(): void
}
