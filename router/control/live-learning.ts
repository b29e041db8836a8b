import { weighStatus } from '../catalogue/learning/evidence.ts'
import { createLiveLearner, type Question } from '../catalogue/learning/live.ts'
import type { RandomAnswer } from '../catalogue/learning/random-answer.ts'
import { askFor } from '../discovery/description.ts'
import type { DetectableUpstream } from '../discovery/detectors/detector.ts'
import type { FetchDescription } from '../discovery/fetch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ObservedEndpoint, ObservedOperation } from '../model/catalogue.ts'
import type { TrafficCounts } from '../model/link.ts'
import type { Unhealthy } from './health-checks.ts'

/** Learns from what passes through, and asks upstreams for random paths where that is needed to tell answers apart. */
export type LiveLearning = {
  take(counts: TrafficCounts): void
  close(): void
}

export type LiveLearningOptions = {
  readonly remembered: ReadonlyMap<string, readonly ObservedOperation[]>
  readonly fetch: FetchDescription
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly upstreams: () => readonly DetectableUpstream[]
  /** False: nothing is learned of it now, and it is not asked. */
  readonly learnsFrom: (upstream: string) => boolean
  /** Endpoints that are not asked. */
  readonly unhealthy: () => Unhealthy
  /** Operations by upstream, a while after something new was counted. */
  readonly learned: (operations: ReadonlyMap<string, readonly ObservedOperation[]>) => void
}

/** How the rule of an operation begins that nothing but the catalogue decides on. */
const OWN_RULE = 'operation:'
/** Between two questions, and between traffic and what is learned of it. */
const ASK_MS = 500
const SETTLE_MS = 10_000
/** As long as an upstream that did not answer is left alone. */
const AGAIN_MS = 60_000
const MOST_LATER = 1_000

/** Asks nobody before something has passed through. The caller closes it. */
export function createLiveLearning(options: LiveLearningOptions): LiveLearning {
  const { clock, learned, learnsFrom } = options
  const learner = createLiveLearner(options.remembered)
  const stopping = new AbortController()
  const later = new Map<string, number>()
  let asking = false
  let settling = false

  async function ask(): Promise<void> {
    const now = clock.elapsed()
    for (const question of learner.questions()) if (!learnsFrom(question.upstream)) learner.giveUp(question)
    const next = learner.questions().find(({ upstream, folder }) => (later.get(`${upstream} ${folder}`) ?? 0) <= now)
    if (next !== undefined) {
      const answer = await randomAnswer(next, options, stopping.signal)
      if (stopping.signal.aborted) return
      if (answer !== undefined) learner.answer(next, answer)
      else {
        if (later.size >= MOST_LATER) later.clear()
        later.set(`${next.upstream} ${next.folder}`, clock.elapsed() + AGAIN_MS)
        learner.giveUp(next)
      }
    }
    asking = learner.questions().length > 0
    if (asking) clock.after(next === undefined ? SETTLE_MS : ASK_MS, () => void ask())
    settleSoon()
  }

  function settleSoon(): void {
    if (settling) return
    settling = true
    clock.after(SETTLE_MS, () => {
      settling = false
      if (!stopping.signal.aborted) learned(learner.settle())
    })
  }

  return {
    take({ requests, unclaimed: all }) {
      const unclaimed = all.filter(({ upstream }) => learnsFrom(upstream))
      for (const { rule, upstream, count } of requests) {
        if (rule.startsWith(OWN_RULE) && learnsFrom(upstream))
          learner.counted(upstream, rule.slice(OWN_RULE.length), count, clock.now())
      }
      if (unclaimed.length === 0) return
      learner.take(unclaimed, clock.now())
      settleSoon()
      if (asking || learner.questions().length === 0) return
      asking = true
      clock.after(0, () => void ask())
    },
    close: () => stopping.abort(),
  }
}

/** Undefined: nobody answered, or with an error that anything may give. */
async function randomAnswer(
  { upstream: name, path }: Question,
  options: LiveLearningOptions,
  signal: AbortSignal,
): Promise<RandomAnswer | undefined> {
  const { fetch, clock, random } = options
  const folder = path.replace(/\/[^/]*$/, '')
  const ask = async (length: number) => {
    const upstream = upstreamToAsk(name, options)
    if (upstream === undefined) return undefined
    const asked = `${folder}/${randomName(length, random)}`
    const answer = await askFor(
      { kind: 'path', path: asked },
      { upstream, fetch, clock, signal, memory: undefined },
      undefined,
    )
    return answer.kind === 'answered' ? { ...answer, asked } : undefined
  }
  const short = await ask(12)
  if (short === undefined) return undefined
  const { status } = short
  if ([404, 405, 410, 501].includes(status)) return { kind: 'refuses' }
  if (weighStatus(status) === 'nothing') return undefined
  const location = short.location?.replace(/[?#].*$/s, '')
  const long = await ask(44)
  if (long === undefined) return undefined
  const lengths = [short, long].map(({ asked, body }) => ({ path: asked.length, body: body.length }))
  const [first, second] = lengths
  const comparable = long.status === status && first !== undefined && second !== undefined
  return { kind: 'alike', status, lengths: comparable ? [first, second] : undefined, location }
}

/** With the endpoints that may be asked. */
function upstreamToAsk(name: string, { upstreams, learnsFrom, unhealthy }: LiveLearningOptions) {
  const upstream = learnsFrom(name) ? upstreams().find((one) => one.name === name) : undefined
  const sick = unhealthy()[name] ?? {}
  const isWell = ({ host, port }: ObservedEndpoint) => !Object.hasOwn(sick, `${host}:${port}`)
  return upstream && { ...upstream, endpoints: upstream.endpoints.filter(isWell) }
}

function randomName(length: number, random: () => number): string {
  return Array.from({ length }, () => 'bcdfghjkmnpqrstvwxz'[Math.floor(random() * 19)]).join('')
}
