import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock, systemClock } from '../../../router/kernel/clock.ts'
import { endProcesses, type Processes, systemProcesses } from '../../../router/kernel/processes.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function sleeper(): { readonly pid: number; readonly exited: Promise<unknown> } {
  const child = spawn('sleep', ['30'])
  children.push(child)
  return { pid: child.pid ?? 0, exited: new Promise((resolve) => child.on('exit', resolve)) }
}

describe('the real processes', () => {
  it('have a start that stays the same, and none once they have ended', async () => {
    const { pid, exited } = sleeper()
    const started = systemProcesses.started(pid)
    expect(started).toMatch(/^.+:\d+$|\w{3} \w{3}/)
    expect(systemProcesses.started(pid)).toBe(started)
    expect(systemProcesses.started(process.pid)).not.toBe(started)
    expect(systemProcesses.started(2 ** 30)).toBeUndefined()
    systemProcesses.signal(pid, 'SIGKILL')
    await exited
    expect(systemProcesses.started(pid)).toBeUndefined()
  })

  it('are ended by number and start; one with another start is left alone', async () => {
    const { pid } = sleeper()
    const started = systemProcesses.started(pid) ?? ''
    const ending = { processes: systemProcesses, clock: systemClock, graceMs: 1_000 }
    expect(await endProcesses([{ pid, started: `${started}0` }], ending)).toEqual([])
    expect(systemProcesses.started(pid)).toBe(started)
    expect(await endProcesses([{ pid, started }], ending)).toEqual([pid])
    expect(systemProcesses.started(pid)).toBeUndefined()
  })
})

describe('ending processes', () => {
  it('asks first, and kills after the grace what is still there', async () => {
    const clock = manualClock()
    const running = new Set([1, 2])
    const sent: string[] = []
    const processes: Processes = {
      started: (pid) => (running.has(pid) ? 'then' : undefined),
      signal(pid, name) {
        sent.push(`${pid} ${name} at ${clock.elapsed()}`)
        if (pid === 1 || name === 'SIGKILL') running.delete(pid)
      },
    }
    const ended = endProcesses(
      [1, 2, 3].map((pid) => ({ pid, started: 'then' })),
      { processes, clock, graceMs: 100 },
    )
    for (let turn = 0; turn < 10; turn += 1) {
      clock.advance(20)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await ended).toEqual([1, 2])
    expect(sent).toEqual(['1 SIGTERM at 0', '2 SIGTERM at 0', '2 SIGKILL at 100'])
  })
})
