import type { Log, LogFields } from './log.ts'

/** A log of one line an entry, without a library: for processes that must start at once. */
export type JsonLogOptions = {
  write(line: string): void
  /** Wall time in ms. */
  now(): number
  /** One readable line an entry instead of JSON: for people at a terminal. */
  readonly pretty: boolean
  readonly fields?: LogFields
}

/** `{"level":"info","time":"2026-11-23T12:04:51.000Z","msg":"…",…fields}`, the same shape as every process's. */
export function createJsonLog(options: JsonLogOptions): Log {
  const own = options.fields ?? {}
  const say = (level: LogEntry['level'], message: string, fields: LogFields | undefined): void => {
    const time = new Date(options.now()).toISOString()
    const entry = { level, time, msg: message, ...own, ...fields }
    options.write(`${options.pretty ? prettyLine(entry) : JSON.stringify(entry, readableErrors)}\n`)
  }
  return {
    info: (message, fields) => say('info', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    error: (message, fields) => say('error', message, fields),
    child: (fields) => createJsonLog({ ...options, fields: { ...own, ...fields } }),
  }
}

export type LogEntry = {
  readonly level: string
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** `12:04:51 warn  message key=value`: the local time, and fields after the message. */
export function prettyLine({ level, time, msg, ...fields }: LogEntry): string {
  const clock = new Date(time).toTimeString().slice(0, 8)
  const rest = Object.entries(fields).filter(([name]) => !HIDDEN.has(name))
  return [`${clock} ${level.padEnd(5)} ${msg}`, ...rest.map(([name, value]) => `${name}=${readable(value)}`)].join(' ')
}

// What a person at one terminal knows already.
const HIDDEN = new Set(['pid', 'hostname', 'process'])

function readable(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value, readableErrors) ?? String(value)
}

/** JSON.stringify shows an Error as `{}`. */
function readableErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack } : value
}
