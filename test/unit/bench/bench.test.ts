import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { helpText, readArguments } from '../../bench/arguments.ts'
import { median, quantile, ratioOf, spreadOf } from '../../bench/arithmetic.ts'
import { describedPath, descriptionOf, templatesOf } from '../../bench/described.ts'
import { parseH2load } from '../../bench/h2load.ts'
import { hasProgram, programOf } from '../../bench/machine.ts'
import { quarters, residentMiB } from '../../bench/memory.ts'
import { kindOf } from '../../bench/mixture.ts'
import { parseMachine, shareOfOthers } from '../../bench/others.ts'
import { cpuBetween, parseStat, statOf, treeOf } from '../../bench/processes.ts'
import { comparison, replaceFigures } from '../../bench/report.ts'
import { ROWS } from '../../bench/rows/index.ts'
import { acceptedSockets } from '../../bench/sockets.ts'
import { parseWrk } from '../../bench/wrk.ts'
import { ROOT } from '../../estate.ts'

describe('figures', () => {
  it.each([
    { values: [3, 1, 2], middle: 2 },
    { values: [4, 1, 3, 2], middle: 2.5 },
    { values: [10, 9, 100], middle: 10 },
  ])('the median of $values is $middle', ({ values, middle }) => expect(median(values)).toBe(middle))

  it('a spread is median and range', () => expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 }))

  it('a ratio is that of the medians, its range that within the rounds', () => {
    expect(ratioOf([20, 60, 30], [10, 20, 10])).toEqual({ median: 3, min: 2, max: 3 })
  })

  it.each([
    { share: 0.99, is: 99 },
    { share: 0.5, is: 50 },
    { share: 1, is: 100 },
    { share: 0, is: 1 },
  ])('of 1 to 100, $share of the values do not exceed $is', ({ share, is }) => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(quantile(values, share)).toBe(is)
  })
})

describe('memory under clients that leave', () => {
  it('is given as the median of each quarter', () => {
    expect(quarters([1, 9, 2, 3, 3, 3, 50, 4, 5, 6, 6, 7])).toEqual([2, 3, 5, 6])
  })

  it('of 200,000 requests, 10 % are left by their client and 5 % reset, half of each in mid-answer', () => {
    const counts = Map.groupBy(
      Array.from({ length: 200_000 }, (_, turn) => turn),
      kindOf,
    )
    const sizes = Object.fromEntries([...counts].map(([kind, turns]) => [kind, turns.length]))
    expect(sizes).toEqual({ plain: 170_000, wait: 10_000, long: 10_000, reset: 5_000, half: 5_000 })
  })

  it.runIf(process.platform === 'linux')('is read from /proc', () => {
    expect(residentMiB(process.pid)).toBeGreaterThan(10)
    expect(() => residentMiB(2 ** 30)).toThrow()
  })
})

describe('CPU from /proc', () => {
  it('counts user and system time of a process whose name holds a parenthesis and spaces', () => {
    const line = '42 (a) b (c) S 7 42 42 0 -1 4194560 9 0 0 0 13 4 99 99 20 0 11 0 5150 7 7 7'
    expect(parseStat(line)).toEqual({
      pid: 42,
      parent: 7,
      cpuMicros: 170_000,
      childrenMicros: 1_980_000,
      startedAt: 5150,
      ended: false,
    })
  })

  it.each(['', '42', '42 (a) S 7'])('reads nothing from %j', (line) => expect(parseStat(line)).toBeUndefined())

  it.runIf(process.platform === 'linux')('finds this process below its parent', () => {
    expect(statOf(process.pid)?.parent).toBe(process.ppid)
    expect(treeOf(process.ppid).map(({ pid }) => pid)).toContain(process.pid)
  })

  it('sums what every process of a tree used, or only those asked for', () => {
    const before = new Map([
      [1, 100],
      [2, 50],
    ])
    const after = new Map([
      [1, 130],
      [2, 55],
    ])
    expect(cpuBetween(before, after)).toBe(35)
    expect(cpuBetween(before, after, [2])).toBe(5)
  })

  it.each([
    { why: 'started', before: [1], after: [1, 2] },
    { why: 'ended', before: [1, 2], after: [1] },
    { why: 'was never there', before: [], after: [] },
  ])('refuses figures where a process $why meanwhile', ({ before, after }) => {
    const reading = (pids: readonly number[]) => new Map(pids.map((pid) => [pid, 0]))
    expect(() => cpuBetween(reading(before), reading(after))).toThrow(/came or went/)
  })
})

describe('operations of a description', () => {
  it('are as many as it is asked for, each with a path that hits it alone', () => {
    const { paths } = JSON.parse(descriptionOf(200)) as { paths: Record<string, unknown> }
    expect(Object.keys(paths)).toEqual(templatesOf(200))
    const matching = (path: string) =>
      templatesOf(200).filter((template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
    expect(matching(describedPath(102))).toEqual(['/part-25/owners/{ownerId}/pets/{petId}'])
    expect(matching(describedPath(103))).toEqual(['/part-25/files/{name}'])
  })
})

describe('connections from /proc', () => {
  const line = (local: string, remote: string, state: string, inode: number) =>
    `   0: 0100007F:${local} 0100007F:${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 20 4 30 10 -1`
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    line('1F90', '0000', '0A', 1),
    line('1F90', 'C350', '01', 2),
    line('C350', '1F90', '01', 3),
    line('1F90', 'C351', '06', 4),
    line('1F91', 'C352', '01', 5),
    '',
  ].join('\n')

  it('are the established ones whose own end is the port, not the listener and not the other end', () => {
    expect(acceptedSockets(text, 8080)).toEqual(new Set(['2']))
  })
})

describe('what others take of the machine', () => {
  const stat = (busy: number, idle: number) => parseMachine(`cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n`)

  it('stolen and interrupt time is busy, waiting for a disk is idle', () => {
    expect(parseMachine('cpu  1 2 4 8 16 32 64 128 0 0\n')).toEqual({ idle: 240_000, busy: 2_310_000 })
  })

  it.each([
    { busy: 100, idle: 100, ours: 1_000_000, share: 0 },
    { busy: 100, idle: 100, ours: 500_000, share: 0.25 },
    { busy: 100, idle: 100, ours: 1_100_000, share: 0 },
    { busy: 0, idle: 0, ours: 0, share: 0 },
  ])('$busy ticks busy, $idle idle, $ours µs ours: $share', ({ busy, idle, ours, share }) => {
    const [before, after] = [stat(1000, 2000), stat(1000 + busy, 2000 + idle)]
    expect(shareOfOthers({ ...before, ours: 7 }, { ...after, ours: 7 + ours })).toBe(share)
  })
})

describe('other proxies', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('are where the environment says, else on the PATH', () => {
    expect(programOf('envoy')).toBe('envoy')
    vi.stubEnv('BENCH_ENVOY', '/opt/envoy')
    expect(programOf('envoy')).toBe('/opt/envoy')
  })

  it('are left out where there is no such program', () => {
    vi.stubEnv('BENCH_ENVOY', '/nowhere/envoy')
    expect(hasProgram('envoy')).toBe(false)
    vi.stubEnv('BENCH_ENVOY', process.execPath)
    expect(hasProgram('envoy')).toBe(true)
  })
})

describe('what wrk prints', () => {
  const clean = `Running 4s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.71ms  512.00us  12.02ms   83.11%
    Req/Sec    37.31k     1.20k   39.02k    75.00%
  148512 requests in 4.01s, 33.28MB read
`
  const end = 'Requests/sec:  37035.41\nTransfer/sec:      8.30MB\n'

  it.each([
    { text: clean + end, errors: 0, why: 'a clean run has none' },
    { text: `${clean}  Non-2xx or 3xx responses: 12\n${end}`, errors: 12, why: 'answers that say so' },
    { text: `${clean}  Socket errors: connect 1, read 2, write 3, timeout 4\n${end}`, errors: 10, why: 'sockets' },
  ])('errors: $why', ({ text, errors }) => {
    expect(parseWrk(text)).toEqual({ requests: 148_512, perSecond: 37_035.41, errors })
  })

  it('without figures there is no result', () => expect(parseWrk('unable to connect to 127.0.0.1:1')).toBeUndefined())
})

describe('the command line', () => {
  const rows = ['proxy', 'start'].map((name) => ({ name, summary: `measures ${name}`, run: async () => '' }))

  it('runs every row five times 4 s and writes, unless told otherwise', () => {
    expect(readArguments([], rows)).toEqual({ rows, rounds: 5, seconds: 4, write: true })
    const args = ['--rows', 'start', '--rounds', '1', '--seconds', '2', '--no-write']
    expect(readArguments(args, rows)).toEqual({ rows: rows.slice(1), rounds: 1, seconds: 2, write: false })
  })

  it.each([
    { args: ['--rows', 'prxy'], says: '--rows: no row "prxy"; known: proxy, start' },
    { args: ['--rounds', '0'], says: '--rounds "0": a whole number from 1 to 100 is needed' },
    { args: ['--speed', '9'], says: "Unknown option '--speed'" },
  ])('$args is refused', ({ args, says }) => expect(() => readArguments(args, rows)).toThrow(says))

  it('help names every row', () => {
    expect(readArguments(['--help'], rows)).toBeUndefined()
    expect(helpText(rows)).toMatch(/proxy +measures proxy\n +start +measures start/)
  })
})

describe('the report', () => {
  it('gives each program its figures and its ratio to those compared against', () => {
    const sample = (cpu: number, dataplane?: number) => ({ cpu, dataplane, perSecond: 1000 })
    const subject = (name: string) => ({ name, url: '', pid: 1 })
    const text = comparison(
      [
        { subject: subject('nginx'), samples: [sample(10), sample(12), sample(11)] },
        { subject: subject('Banyan'), samples: [sample(15, 14), sample(18, 16), sample(22, 21)] },
      ],
      ['nginx'],
    )
    expect(text.split('\n').slice(2)).toEqual([
      '| nginx | 11.0 (10.0–12.0) |  | 1 | 1000 |',
      '| Banyan | 18.0 (15.0–22.0) | 16.0 (14.0–21.0) | 1.64 (1.50–2.00) | 1000 |',
    ])
  })

  it.each(ROWS)('the page has a place for the figures of $name', ({ name }) => {
    const page = readFileSync(join(ROOT, 'docs/bench.md'), 'utf8')
    expect(replaceFigures(page, name, 'measured')).toContain(`figures: ${name} -->\nmeasured\n<!-- end`)
  })

  it('replaces the figures of one row and nothing else', () => {
    const page = 'a\n<!-- figures: start -->\nold\n<!-- end of figures: start -->\nz\n'
    const replaced = replaceFigures(page, 'start', 'new')
    expect(replaced).toBe('a\n<!-- figures: start -->\nnew\n<!-- end of figures: start -->\nz\n')
    expect(replaceFigures(replaced, 'start', 'old')).toBe(page)
    expect(() => replaceFigures(page, 'proxy', 'new')).toThrow(/no place for "proxy"/)
  })
})

describe('what h2load prints', () => {
  const text = (failed: number, wrong: number): string => `finished in 2.00s, 22499.00 req/s, 2.06MB/s
requests: 44998 total, 45062 started, 44998 done, ${44998 - failed} succeeded, ${failed} failed, 0 errored, 0 timeout
status codes: ${44998 - wrong} 2xx, 0 3xx, 0 4xx, ${wrong} 5xx
`

  it('is read, and everything but success is an error', () => {
    expect(parseH2load(text(0, 0), 2)).toEqual({ requests: 44998, perSecond: 22499, errors: 0 })
    expect(parseH2load(text(6, 6), 2)?.errors).toBe(12)
    expect(parseH2load('h2load: unrecognized option', 2)).toBeUndefined()
  })
})
