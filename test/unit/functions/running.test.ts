import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { restartBudget } from '../../../router/functions/budget.ts'
import { boundedOutput, type OutputLine, readLines } from '../../../router/functions/output.ts'
import { workerdConfig } from '../../../router/functions/workerd.ts'
import { manualClock } from '../../../router/kernel/clock.ts'

describe('the restart budget', () => {
  it('restarts at once, then after growing waits, and after five waits for the minute to end', () => {
    const clock = manualClock()
    const budget = restartBudget(clock)
    const waits = Array.from({ length: 6 }, () => {
      const { delayMs, exhausted } = budget.take()
      clock.advance(delayMs)
      return { delayMs, exhausted }
    })
    expect(waits.slice(0, 5)).toEqual([0, 250, 500, 1_000, 2_000].map((delayMs) => ({ delayMs, exhausted: false })))
    expect(waits[5]).toEqual({ delayMs: 60_000 - 3_750, exhausted: true })
  })

  it('is full again after a quiet minute', () => {
    const clock = manualClock()
    const budget = restartBudget(clock)
    for (let count = 0; count < 5; count += 1) budget.take()
    clock.advance(70_000)
    expect(budget.take()).toEqual({ delayMs: 0, exhausted: false })
  })
})

describe('what a function prints', () => {
  it('comes line by line, however it is cut, and an endless line takes no more than 16 KiB', async () => {
    const stream = new PassThrough()
    const lines: string[] = []
    readLines(stream, (line) => lines.push(line))
    for (const chunk of ['on', 'e\ntw', 'o\n', 'x'.repeat(40_000), 'x'.repeat(40_000), '\nlast']) {
      stream.write(chunk)
      await turn()
    }
    stream.end()
    await turn()
    await turn()
    expect(lines.map((line) => (line.length > 10 ? line.length : line))).toEqual(['one', 'two', 16_384, 'last'])
  })

  it('reaches the log at 200 lines a second, cut at 2,000 characters, and the rest is counted', () => {
    const clock = manualClock()
    const seen: OutputLine[] = []
    const print = boundedOutput(clock, (line) => seen.push(line))
    for (let count = 0; count < 300; count += 1) print({ at: 0, stream: 'stdout', text: 'x'.repeat(3_000) })
    clock.advance(1_000)
    print({ at: 1_000, stream: 'stdout', text: 'later' })
    expect(seen).toHaveLength(202)
    expect(seen[0]?.text).toHaveLength(2_001)
    expect(seen.slice(200).map(({ text }) => text)).toEqual(['… 100 more lines in one second', 'later'])
  })
})

describe('the configuration of workerd', () => {
  it('names variables and never holds their values', () => {
    const config = workerdConfig(['EMAIL', 'URL'], '2026-07-30')
    expect(config).toContain('(name = "EMAIL", fromEnvironment = "BANYAN_ENV_0")')
    expect(config).toContain('(name = "URL", fromEnvironment = "BANYAN_ENV_1")')
    expect(config).toContain('compatibilityDate = "2026-07-30"')
  })
})
