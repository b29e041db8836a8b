import { runToEnd } from './children.ts'

/** What one run of wrk did. */
export type Load = {
  readonly requests: number
  readonly perSecond: number
  /** Answers outside 2xx and 3xx, refused, broken and silent connections. */
  readonly errors: number
}

export type LoadOptions = {
  readonly url: string
  readonly seconds: number
  /** A Lua file that makes the requests, and its arguments. */
  readonly script?: readonly string[] | undefined
  readonly signal: AbortSignal
}

/** Drives one URL with 64 connections. Anything but success throws. */
export async function drive({ url, seconds, script = [], signal }: LoadOptions): Promise<Load> {
  const [file, ...args] = script
  const lua = file === undefined ? [] : ['-s', file]
  const timeoutMs = (seconds + 15) * 1000
  const { stdout } = await runToEnd('wrk', ['-t1', '-c64', `-d${seconds}s`, ...lua, url, '--', ...args], {
    signal,
    timeoutMs,
  })
  const load = parseWrk(stdout)
  if (load === undefined) throw new Error(`wrk printed no figures for ${url}:\n${stdout}`)
  if (load.errors > 0 || load.requests === 0) throw new Error(`wrk met errors at ${url}:\n${stdout}`)
  return load
}

/** Reads what wrk printed; undefined where its figures are not in it. */
export function parseWrk(text: string): Load | undefined {
  const requests = /^\s*(\d+) requests in /m.exec(text)?.[1]
  const perSecond = /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1]
  if (requests === undefined || perSecond === undefined) return undefined
  // wrk prints these two lines only where something went wrong.
  const sockets = /^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/m.exec(text)?.slice(1) ?? []
  const refused = /^\s*Non-2xx or 3xx responses: (\d+)/m.exec(text)?.slice(1) ?? []
  const errors = [...sockets, ...refused].reduce((sum, count) => sum + Number(count), 0)
  return { requests: Number(requests), perSecond: Number(perSecond), errors }
}
