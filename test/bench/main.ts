import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, ROOT } from '../estate.ts'
import { type Arguments, helpText, readArguments } from './arguments.ts'
import { missingHere, provenance } from './machine.ts'
import { startUpstream } from './nginx.ts'
import { readMachine, shareOfOthers } from './others.ts'
import { replaceFigures } from './report.ts'
import type { Bench } from './row.ts'
import { ROWS } from './rows/index.ts'

/**
 * `npm run bench`: measures the router beside other proxies. Exit code 0: every row was measured without one error;
 * 1: something is missing or went wrong; 2: used wrongly; 130: ended by Ctrl-C.
 *
 * docs/bench.md says what is measured and how to read it.
 */
async function main(args: readonly string[]): Promise<number> {
  const wanted = understood(args)
  if (typeof wanted === 'number') return wanted
  const missing = missingHere()
  if (missing.length > 0) {
    console.error(
      `npm run bench cannot run here: ${missing.join('; ')}\n    hint: on Debian, apt-get install nginx wrk haproxy`,
    )
    return 1
  }
  const stopped = new AbortController()
  const stop = () => stopped.abort(new Error('stopped'))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, stop)
  try {
    await runRows(wanted, stopped.signal)
    return 0
  } catch (error) {
    const asked = stopped.signal.aborted
    console.error(
      asked ? 'stopped; everything it had started has ended' : error instanceof Error ? error.message : error,
    )
    return asked ? 130 : 1
  }
}

function understood(args: readonly string[]): Arguments | number {
  try {
    const wanted = readArguments(args, ROWS)
    if (wanted !== undefined) return wanted
    console.log(helpText(ROWS))
    return 0
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n    hint: npm run bench -- --help`)
    return 2
  }
}

/** Each row's figures are written as soon as it is done: a row that fails later loses nothing. */
async function runRows({ rows, rounds, seconds, write }: Arguments, signal: AbortSignal): Promise<void> {
  await using ended = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'banyan-bench-'))
  ended.defer(() => rm(folder, { recursive: true, force: true }))
  const [first = 0, second = 0] = await freePorts(2)
  ended.use(await startUpstream([first, second], { folder, signal }))
  const compileCache = join(folder, 'compile-cache')
  await mkdir(compileCache)
  const measuredOn = `${provenance()}; ${rounds} rounds of ${seconds} s`
  for (const row of rows) {
    const say = (line: string) => console.error(`${row.name}: ${line}`)
    const pace = { rounds, seconds, warmUpSeconds: Math.min(seconds, WARM_UP_S), signal, say }
    const bench: Bench = { ...pace, folder, compileCache, upstreams: [first, second] }
    const before = readMachine(process.pid)
    const figures = await row.run(bench)
    const others = shareOfOthers(before, readMachine(process.pid))
    if (others > QUIET) say(`other programs took ${percent(others)} of the machine: measure again when it is quiet`)
    const text = `${measuredOn}; other programs took ${percent(others)} of the machine\n\n${figures}`
    console.log(`\n${row.name}: ${text}\n`)
    if (write) await writeFile(PAGE, replaceFigures(await readFile(PAGE, 'utf8'), row.name, text))
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

const WARM_UP_S = 2
const QUIET = 0.1
const PAGE = join(ROOT, 'docs', 'bench.md')

process.exitCode = await main(process.argv.slice(2))
