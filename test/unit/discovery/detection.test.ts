import { describe, expect, it } from 'vitest'
import { type Detection, startDetection } from '../../../router/discovery/detection.ts'
import type {
  DetectableUpstream,
  DetectContext,
  DetectorKind,
  Finding,
} from '../../../router/discovery/detectors/detector.ts'
import { openapi } from '../../../router/discovery/detectors/openapi/index.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'

const VETS: DetectableUpstream = {
  name: 'vets',
  endpoints: [{ host: '10.0.0.1', port: 3000, path: '' }],
  discover: { openapi: '/openapi.json', mappings: undefined },
  ownHosts: [],
  declares: undefined,
  failure: undefined,
}

const attempts = (outcome: string) => [{ what: 'GET /openapi.json', outcome, at: 0 }]
const READ: Finding = {
  kind: 'read',
  operations: [{ method: 'GET', template: '/vets.html' }],
  source: 'GET /openapi.json',
  memory: { what: 'GET /openapi.json', etag: '"1"', modified: undefined, digest: 'd' },
  attempts: attempts('200, 1 operation'),
}
const REFUSED: Finding = { kind: 'unreachable', attempts: attempts('connection refused') }
const MISSING: Finding = { kind: 'absent', attempts: attempts('404 in 1 ms') }
const NONSENSE: Finding = { kind: 'failed', attempts: attempts('200, but the answer is empty') }
const SAME: Finding = { kind: 'unchanged', attempts: attempts('304 in 1 ms, unchanged') }

/** Detection with one detector that answers as told, and everything that it was asked. */
function scene(answers: readonly Finding[], part: Partial<DetectorKind> = {}) {
  const clock = manualClock(1_000_000)
  const asked: { at: number; context: DetectContext }[] = []
  let changes = 0
  const detector: DetectorKind = {
    kind: 'openapi',
    confidence: 'described',
    polls: true,
    applies: ({ discover }) => discover.openapi !== undefined,
    question: ({ discover, endpoints }) => JSON.stringify([discover.openapi, endpoints]),
    detect: async (context) => {
      asked.push({ at: clock.now() - 1_000_000, context })
      return answers[Math.min(asked.length, answers.length) - 1] ?? REFUSED
    },
    ...part,
  }
  const detection = startDetection({
    fetch: () => Promise.reject(new Error('not used')),
    clock,
    random: () => 0,
    log: silentLog,
    changed: () => {
      changes += 1
    },
    detectors: [detector],
  })
  return { clock, asked, detection, changes: () => changes, advance }

  /** Advances in steps, so that what became due is answered before the next step. */
  async function advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(Math.min(500, left))
      await settled()
    }
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

async function start(detection: Detection, clock: { advance(ms: number): void }, upstreams = [VETS]): Promise<void> {
  detection.update(upstreams)
  clock.advance(0)
  await settled()
}

describe('startDetection', () => {
  it('says pending before anybody was asked, then asks at once', async () => {
    const { detection, clock, asked } = scene([READ])
    detection.update([VETS])
    expect(detection.observations()).toEqual([
      {
        upstream: 'vets',
        detector: 'openapi',
        state: 'pending',
        operations: [],
        confidence: 'described',
        source: '',
        attempts: [],
        at: 1_000_000,
        nextAt: 1_000_000,
      },
    ])
    clock.advance(0)
    await settled()
    expect(asked).toHaveLength(1)
    expect(detection.observations()[0]).toMatchObject({
      state: 'answered',
      operations: [{ method: 'GET', template: '/vets.html' }],
      source: 'GET /openapi.json',
      nextAt: 1_060_000,
    })
  })

  it('asks a slow starter again after 1, 2, 4 … 60 s, and says pending meanwhile', async () => {
    const { detection, clock, asked, advance } = scene([REFUSED])
    await start(detection, clock)
    await advance(250_000)
    expect(asked.map(({ at }) => at)).toEqual([
      0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000,
    ])
    expect(detection.observations()[0]).toMatchObject({
      state: 'pending',
      attempts: [{ outcome: 'connection refused' }],
    })
  })

  it('shows what an upstream says in one line, of bearable length, without orders to a terminal', async () => {
    const said = `404\u001b[2J\u009b31m\r\nat\u202e${'x'.repeat(1_000)}`
    const { detection, clock } = scene([{ kind: 'absent', attempts: attempts(said) }])
    await start(detection, clock)
    expect(detection.observations()[0]?.attempts[0]?.outcome).toBe(`404 [2J 31m at ${'x'.repeat(485)}…`)
  })

  it('asks again every 60 s with what it remembers, and says when it was last confirmed', async () => {
    const { detection, clock, asked, changes, advance } = scene([READ, SAME])
    await start(detection, clock)
    await advance(121_000)
    expect(asked.map(({ at }) => at)).toEqual([0, 60_000, 120_000])
    expect(asked.map(({ context }) => context.memory?.etag)).toEqual([undefined, '"1"', '"1"'])
    expect(detection.observations()[0]).toMatchObject({ state: 'answered', at: 1_120_000, operations: [{}] })
    expect(changes()).toBe(1)
  })

  it('tells "answered, has none" and "answered nonsense" from "not answered yet"', async () => {
    for (const [finding, state] of [
      [MISSING, 'none'],
      [NONSENSE, 'failed'],
      [{ ...READ, operations: [] }, 'none'],
    ] as const) {
      const { detection, clock } = scene([finding])
      await start(detection, clock)
      expect(detection.observations()[0]).toMatchObject({ state, operations: [], attempts: finding.attempts })
    }
  })

  it.each([
    { name: 'unreachable', lost: REFUSED },
    { name: 'absent', lost: MISSING },
    { name: 'failed', lost: NONSENSE },
  ])('keeps the last operations, their age and the failure beside them when it becomes $name', async ({ lost }) => {
    const { detection, clock, changes, asked, advance } = scene([READ, lost, lost, READ])
    await start(detection, clock)
    await advance(61_500)
    expect(detection.observations()[0]).toMatchObject({
      state: 'answered',
      operations: [{ template: '/vets.html' }],
      at: 1_000_000,
      attempts: lost.attempts,
    })
    expect(changes()).toBe(1)
    await advance(3_000)
    expect(asked.map(({ at }) => at)).toEqual([0, 60_000, 61_000, 63_000])
    expect(detection.observations()[0]).toMatchObject({ at: 1_063_000, attempts: READ.attempts })
  })

  it('keeps saying none or failed when the upstream then goes away', async () => {
    const { detection, clock, advance } = scene([NONSENSE, REFUSED])
    await start(detection, clock)
    await advance(2_000)
    expect(detection.observations()[0]).toMatchObject({
      state: 'failed',
      attempts: [{ outcome: 'connection refused' }],
    })
  })

  it('replaces the operations when the description changed, and tells', async () => {
    const other: Finding = { ...READ, operations: [{ method: 'GET', template: '/vets' }] }
    const { detection, clock, changes, advance } = scene([READ, other])
    await start(detection, clock)
    await advance(60_000)
    expect(detection.observations()[0]?.operations).toEqual([{ method: 'GET', template: '/vets' }])
    expect(changes()).toBe(2)
  })

  it('asks nobody twice within an interval, whatever changes', async () => {
    const { detection, clock, asked } = scene([READ])
    const moved = { ...VETS, endpoints: [{ host: '10.0.0.2', port: 3000, path: '' }] }
    await start(detection, clock)
    for (let round = 0; round < 20; round++) {
      await start(detection, clock, [{ ...VETS, failure: `round ${round}` }])
      await start(detection, clock, [moved])
      await start(detection, clock, [])
    }
    // Once each address.
    expect(asked).toHaveLength(2)
  })

  it('asks a hundred upstreams that are all down no more than a hundred times a minute, after the first', async () => {
    const { detection, clock, asked, advance } = scene([REFUSED])
    await start(
      detection,
      clock,
      Array.from({ length: 100 }, (_, index) => ({ ...VETS, name: `vets-${index}` })),
    )
    await advance(60_000)
    const before = asked.length
    await advance(60_000)
    expect(before).toBeLessThanOrEqual(700)
    expect(asked.length - before).toBeLessThanOrEqual(100)
  })

  it('asks an upstream whose addresses change every second no more often than one that stays', async () => {
    const { detection, clock, asked, advance } = scene([READ])
    for (let second = 0; second < 180; second++) {
      await start(detection, clock, [{ ...VETS, endpoints: [{ host: '10.0.0.1', port: 3000 + second, path: '' }] }])
      await advance(1_000)
    }
    // At the beginning, at the first change, and then as if nothing changed.
    expect(asked.map(({ at }) => at)).toEqual([0, 1_000, 61_000, 121_000])
  })

  it('backs off from one that never answers, although its address changes every second', async () => {
    const { detection, clock, asked, advance } = scene([REFUSED])
    for (let second = 0; second < 60; second++) {
      await start(detection, clock, [{ ...VETS, endpoints: [{ host: '10.0.0.1', port: 3000 + second, path: '' }] }])
      await advance(1_000)
    }
    expect(asked.map(({ at }) => at)).toEqual([0, 1_000, 1_000, 5_000, 13_000, 29_000])
  })

  it('asks at new addresses at once and keeps what it knows until they answered', async () => {
    const { detection, clock, asked } = scene([READ, REFUSED])
    await start(detection, clock)
    await start(detection, clock, [{ ...VETS, endpoints: [{ host: '10.0.0.2', port: 3000, path: '' }] }])
    expect(asked).toHaveLength(2)
    expect(detection.observations()[0]).toMatchObject({ state: 'answered', operations: [{ template: '/vets.html' }] })
  })

  it('forgets what it read when the file names another place', async () => {
    const { detection, clock } = scene([READ, MISSING])
    await start(detection, clock)
    await start(detection, clock, [{ ...VETS, discover: { openapi: '/other.json', mappings: undefined } }])
    expect(detection.observations()[0]).toMatchObject({ state: 'none', operations: [] })
  })

  it('forgets an upstream that is gone, and a detector that applies no more', async () => {
    const { detection, clock, asked, advance } = scene([READ])
    await start(detection, clock, [VETS, { ...VETS, name: 'owners' }])
    await start(detection, clock, [{ ...VETS, discover: { openapi: undefined, mappings: undefined } }])
    expect(detection.observations()).toEqual([])
    await advance(120_000)
    expect(asked).toHaveLength(2)
  })

  it('shows a detector that throws as failed, and asks again', async () => {
    const { detection, clock, advance } = scene([], { detect: () => Promise.reject(new Error('a mistake')) })
    await start(detection, clock)
    expect(detection.observations()[0]).toMatchObject({ state: 'failed', nextAt: 1_001_000 })
    expect(detection.observations()[0]?.attempts[0]?.outcome).toBe('the detector failed: a mistake')
    await advance(1_000)
    expect(detection.observations()[0]).toMatchObject({ nextAt: 1_003_000 })
  })

  it('asks a detector that does not poll only when its question changes', async () => {
    const { detection, clock, asked, advance } = scene([READ], { polls: false })
    await start(detection, clock)
    await advance(600_000)
    expect(asked).toHaveLength(1)
    expect(detection.observations()[0]).toMatchObject({ nextAt: undefined })
  })

  it('lets eight be asked at once, and the others in their turn', async () => {
    const waiting: (() => void)[] = []
    const { detection, clock } = scene([], {
      detect: () => new Promise((resolve) => waiting.push(() => resolve(READ))),
    })
    await start(
      detection,
      clock,
      Array.from({ length: 20 }, (_, index) => ({ ...VETS, name: `vets-${index}` })),
    )
    expect(waiting).toHaveLength(8)
    waiting[3]?.()
    await settled()
    expect(waiting).toHaveLength(9)
  })

  it('asks three of many dead endpoints a round, the others in the next, and then begins with who answered', async () => {
    const rounds: string[][] = []
    const clock = manualClock()
    const detection = startDetection({
      fetch: async ({ host, path }) => {
        if (path === '/openapi.json') rounds.at(-1)?.push(host)
        if (host !== '10.0.0.8') return { kind: 'unreachable', why: 'no answer within 5 s' }
        return {
          kind: 'answered',
          status: 404,
          etag: undefined,
          modified: undefined,
          location: undefined,
          body: new Uint8Array(),
          ms: 1,
        }
      },
      clock,
      random: () => 0,
      log: silentLog,
      changed: () => {},
      detectors: [openapi],
    })
    const endpoints = Array.from({ length: 9 }, (_, index) => ({ host: `10.0.0.${index + 1}`, port: 80, path: '' }))
    detection.update([{ ...VETS, endpoints }])
    for (const pause of [0, 1_000, 2_000, 4_000]) {
      rounds.push([])
      clock.advance(pause)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(rounds).toEqual([
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
      ['10.0.0.4', '10.0.0.5', '10.0.0.6'],
      ['10.0.0.7', '10.0.0.8'],
      ['10.0.0.8'],
    ])
    expect(detection.observations()[0]).toMatchObject({ state: 'none', attempts: [{ outcome: '404 in 1 ms' }] })
  })

  it('ends a round that takes longer than half a minute, so that its turn is free', async () => {
    const { detection, clock, advance } = scene([], {
      detect: ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () =>
            resolve({ kind: 'unreachable', attempts: attempts(String(signal.reason)) }),
          ),
        ),
    })
    await start(detection, clock)
    await advance(29_500)
    expect(detection.observations()[0]?.attempts).toEqual([])
    await advance(500)
    expect(detection.observations()[0]?.attempts).toEqual(attempts('Error: not through within 30 s'))
  })

  it('ends what is in flight when it closes, and asks nobody afterwards', async () => {
    const { detection, clock, asked, advance } = scene([], {
      detect: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(REFUSED))),
    })
    await start(detection, clock)
    await detection.close()
    await advance(120_000)
    expect(detection.observations()[0]).toMatchObject({ state: 'pending', attempts: [] })
    expect(asked).toEqual([])
  })
})
