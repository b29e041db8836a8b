/** Where a part says what happened; `fields` are structured and never hold secrets. */
export type Log = {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose lines all carry these fields. */
  child(fields: LogFields): Log
}

export type LogFields = Readonly<Record<string, unknown>>

/** A log that says nothing. */
export const silentLog: Log = {
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
