import type { Clock } from '../../../kernel/clock.ts'
import type { Log } from '../../../kernel/log.ts'
import type { Sighting } from '../../../model/catalogue.ts'
import { retryDelay } from '../../pace.ts'
import type { Container, Engine } from './engine.ts'

export type WatchOptions = {
  readonly open: () => Promise<Engine>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Called after every list, and when the engine goes away. */
  readonly changed: () => void
}

/** Follows what runs on an engine. */
export type Watch = {
  /** The last list; undefined: there has been none. */
  containers(): readonly Container[] | undefined
  /** The engine whose list that is. */
  engine(): Engine | undefined
  sighting(): Sighting
  close(): Promise<void>
}

/** Between two lists while one thing after the other happens. */
const GAP_MS = 50
/** A connection that lasted shorter than this was none: it is made again after a pause. */
const LASTING_MS = 1_000
/** An engine tells that a container has died a moment before its list does. */
const SETTLED_MS = 500
/** A list is asked for now and then also where nothing was heard: a connection may be dead without knowing it. */
const AGAIN_MS = 60_000
const DEADLINE_MS = 5_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Listens first and asks for the list then, so that nothing falls between the two; again whenever something happened,
 * and from the beginning when the connection is lost, with growing pauses until somebody answers.
 */
export function startWatch({ open, clock, random, log, changed }: WatchOptions): Watch {
  const closing = new AbortController()
  const { signal } = closing
  let engine: Engine | undefined
  let containers: readonly Container[] | undefined
  let sighting: Sighting = { state: 'pending', attempts: [], at: undefined, nextAt: clock.now() }
  const running = run()

  return {
    containers: () => containers,
    engine: () => engine,
    sighting: () => sighting,
    async close() {
      closing.abort()
      await running
    },
  }

  async function run(): Promise<void> {
    let misses = 0
    while (!signal.aborted) {
      const began = clock.elapsed()
      const known = sighting.at
      const why = await session().catch((error: unknown) => wordsOf(error))
      if (signal.aborted) return
      // A connection that has served is made again at once; only where that fails the engine is away.
      const served = sighting.at !== known && clock.elapsed() - began >= LASTING_MS
      misses = served ? 0 : misses + 1
      if (served) continue
      const delay = retryDelay(misses, random, LONGEST_PAUSE_MS)
      lose(why, delay)
      await sleep(delay)
    }
  }

  /** One connection from its beginning to its end; resolves to why it ended. */
  async function session(): Promise<string> {
    const ending = new AbortController()
    const either = AbortSignal.any([signal, ending.signal])
    const bell = createBell(clock, either)
    try {
      engine ??= await open()
      const { ended } = await inTime(engine.listen(either, bell.ring), clock)
      let over = false
      void ended.then(() => {
        over = true
        bell.ring()
      })
      let heard = true
      while (!over && !signal.aborted) {
        bell.still()
        const list = await inTime(engine.list(either), clock)
        if (signal.aborted) break
        confirm(list, engine)
        await sleep(GAP_MS)
        heard = await bell.rung(heard ? SETTLED_MS : AGAIN_MS)
      }
      return 'the connection ended'
    } finally {
      ending.abort()
    }
  }

  function confirm(list: readonly Container[], { address }: Engine): void {
    containers = list
    const at = clock.now()
    if (sighting.state !== 'answered') log.info(`docker: ${address} answers, ${list.length} containers`)
    const attempts = [{ what: address, outcome: `${list.length} containers`, at }]
    sighting = { state: 'answered', attempts, at, nextAt: undefined }
    changed()
  }

  function lose(why: string, delay: number): void {
    const what = engine?.address ?? 'the engine'
    const at = clock.now()
    if (sighting.state !== 'failed') log.warn(`docker: ${what}: ${why}; what was last known stays`)
    sighting = { ...sighting, state: 'failed', attempts: [{ what, outcome: why, at }], nextAt: at + delay }
    changed()
  }

  async function sleep(ms: number): Promise<void> {
    await createBell(clock, signal).rung(ms)
  }
}

type Bell = {
  ring(): void
  still(): void
  /** Resolves when it was rung since it was stilled, at the latest after `ms`, to whether it was. */
  rung(ms: number): Promise<boolean>
}

/** An aborted signal rings it for good. */
function createBell(clock: Clock, signal: AbortSignal): Bell {
  let ringing = false
  let resume = (): void => {}
  return {
    ring() {
      ringing = true
      resume()
    },
    still() {
      ringing = false
    },
    rung: (ms) =>
      new Promise((resolve) => {
        const cancel = clock.after(ringing || signal.aborted ? 0 : ms, done)
        signal.addEventListener('abort', done)
        resume = done
        function done(): void {
          cancel()
          signal.removeEventListener('abort', done)
          resume = () => {}
          resolve(ringing)
        }
      }),
  }
}

function inTime<T>(asked: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new Error(`no answer within ${DEADLINE_MS / 1_000} s`)
    const cancel = clock.after(DEADLINE_MS, () => reject(late))
    asked.then(resolve, reject).finally(cancel)
  })
}

function wordsOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? (error instanceof Error ? error.message : String(error))
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'may not be opened by this user; add the user to the group that owns it, or set docker.engine',
  ECONNREFUSED: 'no engine listens there; start it, or set docker.engine',
  ENOENT: 'does not exist; start the engine, or set docker.engine to where it listens',
  ECONNRESET: 'the connection broke',
}
