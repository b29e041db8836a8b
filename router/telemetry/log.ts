import { pino } from 'pino'
import { type LogEntry, prettyLine } from '../kernel/json-log.ts'
import type { Log } from '../kernel/log.ts'

export type LogOptions = {
  readonly level: 'info' | 'warn' | 'error' | 'silent'
  /** One readable line an entry, for people at a terminal; otherwise JSON. */
  readonly pretty: boolean
  /** Default: standard output. */
  readonly stream?: { write(line: string): void }
}

/** The control process's log: the same lines as the other processes', through pino. */
export function createLog({ level, pretty, stream }: LogOptions): Log {
  const out = stream ?? process.stdout
  const destination = pretty ? { write: (line: string) => out.write(readable(line)) } : out
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  )
  return wrap(logger)
}

function wrap(logger: pino.Logger): Log {
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  }
}

function readable(line: string): string {
  // Each line is one that pino has just written.
  return `${prettyLine(JSON.parse(line) as LogEntry)}\n`
}
