import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, startArm } from './arms.ts'
import { openConnection } from './browser.ts'
import { startCrowd } from './crowd.ts'
import { prepareRouter, type Router, spawnUp } from './router.ts'

let upstream: Arm
let first: Router
let started: readonly ChildProcess[] = []

beforeAll(async () => {
  upstream = await startArm('upstream')
  first = await prepareRouter(`default: only\nupstreams: { only: { url: "${upstream.url}" } }\n`)
  await first.up()
})
afterAll(async () => {
  for (const child of started) child.kill('SIGTERM')
  await first.close()
  await upstream.close()
})

describe('a second router on the same state folder', () => {
  it.each(['once', 'three times at once'])('is refused in words and ends with 1, %s', async (times) => {
    const before = { pids: first.pids(), plan: await first.plan() }
    const crowd = startCrowd(first.port, 4, () => '/')
    const starts = times === 'once' ? [spawnUp(first.config)] : [1, 2, 3].map(() => spawnUp(first.config))
    const ends = await Promise.all(starts.map(endOf))
    await crowd.stop()

    for (const { code, printed } of ends) {
      expect(printed).toContain(
        `state folder ${first.stateFolder} is in use by the router with pid ${before.pids.supervisor}; one folder serves one router`,
      )
      expect(printed).toContain('give this one another folder with the key state')
      expect(code).toBe(1)
    }
    expect(crowd.asked.length).toBeGreaterThan(50)
    expect(crowd.asked.filter(({ answer }) => answer !== 'upstream')).toEqual([])
    expect({ pids: first.pids(), plan: await first.plan() }).toEqual(before)
    expect(JSON.parse(readFileSync(join(first.stateFolder, 'run.json'), 'utf8')).owner.pid).toBe(first.process().pid)
  })
  it('is refused too where the router before it was killed: of several, one takes over', async () => {
    for (const pid of [first.pids().supervisor, first.pids().control, ...first.pids().dataplanes]) {
      process.kill(pid, 'SIGKILL')
    }
    started = [1, 2, 3].map(() => spawnUp(first.config))
    const ends = started.map(endOf)
    const codes: unknown[] = []
    for (const end of ends) void end.then(({ code }) => codes.push(code))
    await expect.poll(() => codes, { timeout: 10_000 }).toEqual([1, 1])
    await expect.poll(() => ask().catch(String), { timeout: 10_000 }).toBe('upstream')
    expect(started.map(({ pid }) => pid)).toContain(first.pids().supervisor)
    process.kill(first.pids().supervisor, 'SIGTERM')
    await Promise.all(ends)
    expect(codes).toEqual([1, 1, 0])
  })
})

async function endOf(child: ChildProcess): Promise<{ readonly code: unknown; readonly printed: string }> {
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += String(chunk)))
  const [code] = await once(child, 'close')
  return { code, printed }
}

async function ask(): Promise<string> {
  const connection = await openConnection(first.port)
  const { body } = await connection.ask('/')
  connection.close()
  return body
}
