import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { operationKey } from '../kernel/template.ts'
import type { Observation, ObservedEndpoint } from '../model/catalogue.ts'
import type { DetectableUpstream, DetectorKind, Finding, Memory } from './detectors/detector.ts'
import { DETECTORS } from './detectors/index.ts'
import type { FetchDescription } from './fetch.ts'
import { createPaces, nextDelay, type Paces } from './pace.ts'
import { turned } from './round.ts'
import { openTurns } from './turns.ts'
import { printable } from './words.ts'

export type DetectionOptions = {
  readonly fetch: FetchDescription
  readonly clock: Clock
  /** In [0, 1): spreads probes, so that routers started together do not ask together. */
  readonly random: () => number
  readonly log: Log
  /** Called when what is known changed (a state or an operation), not at every attempt. */
  readonly changed: () => void
  readonly detectors?: readonly DetectorKind[]
  /** What was known before a restart; it stands until the upstream has been asked again. */
  readonly remembered?: readonly Observation[]
}

/** Every detector at work on every upstream it applies to. */
export type Detection = {
  /** The upstreams there are now. What stays the same is not asked again before its time. */
  update(upstreams: readonly DetectableUpstream[]): void
  /** One complete word a detector and upstream, the last attempts with it. */
  observations(): readonly Observation[]
  /** Ends what is in flight. */
  close(): Promise<void>
}

/**
 * Asks at once, again with growing pauses until somebody answers, and then once an interval whether anything
 * changed. An upstream that stops answering keeps its last operations, with the failure beside them.
 */
export function startDetection(options: DetectionOptions): Detection {
  const { clock, detectors = DETECTORS } = options
  const probes = new Map<string, Probe>()
  const turns = openTurns(MOST_AT_ONCE)
  const paces = createPaces(clock.elapsed)

  return {
    update(upstreams) {
      const wanted = new Map(upstreams.flatMap((upstream) => pairs(detectors, upstream)))
      paces.tidy()
      for (const [id, probe] of probes) {
        if (wanted.has(id)) continue
        probe.stop()
        probes.delete(id)
      }
      for (const [id, { detector, upstream }] of wanted) {
        const before = probes.get(id)
        const question = `${id} ${detector.question(upstream)}`
        if (before?.question === question) continue
        before?.stop()
        probes.set(id, startProbe({ detector, upstream, question, before, paces, turns, options }))
      }
    },
    observations: () => [...probes.values()].map((probe) => probe.observation()),
    async close() {
      for (const probe of probes.values()) probe.stop()
      await turns.idle()
    },
  }
}

const MOST_AT_ONCE = 8
/** What one round may take, so that no upstream keeps a turn from the others for long. */
const ROUND_MS = 30_000

type Pair = { readonly detector: DetectorKind; readonly upstream: DetectableUpstream }

function pairs(detectors: readonly DetectorKind[], upstream: DetectableUpstream): [string, Pair][] {
  return detectors
    .filter((detector) => detector.applies(upstream))
    .map((detector) => [`${detector.kind} ${upstream.name}`, { detector, upstream }])
}

type Probe = {
  readonly question: string
  readonly upstream: DetectableUpstream
  observation(): Observation
  stop(): void
}

type ProbeOptions = Pair & {
  readonly question: string
  /** The probe whose place it takes. */
  readonly before: Probe | undefined
  readonly paces: Paces
  readonly turns: ReturnType<typeof openTurns>
  readonly options: DetectionOptions
}

function startProbe({ detector, upstream, question, before, paces, turns, options }: ProbeOptions): Probe {
  const { clock, random, log, changed, fetch } = options
  const stopping = new AbortController()
  let memory: Memory | undefined
  // Where one path or another is asked for, those are questions of their own.
  const pace = `${detector.kind} ${upstream.name} ${JSON.stringify(upstream.discover)}`
  const first = detector.polls ? paces.begin(pace, question) : { delay: 0, misses: 0 }
  const known = firstObservation(detector, upstream, before, options.remembered, clock.now())
  let observation: Observation = { ...known, nextAt: clock.now() + first.delay }
  let { misses } = first
  let begin = 0
  let cancel = schedule(first.delay)

  return { question, upstream, observation: () => observation, stop }

  function stop(): void {
    cancel()
    stopping.abort()
  }

  function schedule(delay: number): () => void {
    return clock.after(delay, () => void turns.take(ask))
  }

  async function ask(): Promise<void> {
    const { signal } = stopping
    if (signal.aborted) return
    // Whoever takes its place meanwhile goes on as if there had been no answer.
    if (detector.polls) paces.asked(pace, question, misses + 1, nextDelay(misses + 1, random))
    const finding = shown(await round(signal).catch(failure))
    if (signal.aborted) return
    if (finding.kind === 'read') memory = finding.memory
    misses = finding.kind === 'read' || finding.kind === 'unchanged' ? 0 : misses + 1
    settle(finding)
  }

  /** Begins where the one before got an answer, or behind whom it asked in vain. */
  async function round(signal: AbortSignal): Promise<Finding> {
    const late = new AbortController()
    const cancelLate = clock.after(ROUND_MS, () => late.abort(new Error(`not through within ${ROUND_MS / 1_000} s`)))
    const silent = new Set<ObservedEndpoint>()
    try {
      return await detector.detect({
        upstream: { ...upstream, endpoints: turned(upstream.endpoints, begin) },
        fetch,
        clock,
        signal: AbortSignal.any([signal, late.signal]),
        memory,
        silent,
      })
    } finally {
      cancelLate()
      begin += silent.size
    }
  }

  // A detector that throws is a mistake of ours: it shows as its own failure and is asked again.
  function failure(error: unknown): Finding {
    const outcome = `the detector failed: ${error instanceof Error ? error.message : String(error)}`
    return { kind: 'failed', attempts: [{ what: detector.kind, outcome, at: clock.now() }] }
  }

  function settle(finding: Finding): void {
    const delay = detector.polls ? nextDelay(misses, random) : undefined
    if (delay !== undefined) {
      paces.asked(pace, question, misses, delay)
      cancel = schedule(delay)
    }
    const known = observation
    const nextAt = delay === undefined ? undefined : clock.now() + delay
    observation = { ...observationAfter(known, finding, clock.now()), nextAt }
    if (!saysSomethingNew(known, observation)) return
    log.info(`upstream "${upstream.name}": ${detector.kind}: ${summary(finding)}`, { state: observation.state })
    changed()
  }
}

/** Outcomes quote what upstreams say; nobody else than we may write to a terminal or a log. */
function shown(finding: Finding): Finding {
  const attempts = finding.attempts.map((attempt) => {
    return { ...attempt, what: printable(attempt.what), outcome: printable(attempt.outcome) }
  })
  return { ...finding, attempts }
}

function firstObservation(
  { kind, confidence }: DetectorKind,
  upstream: DetectableUpstream,
  before: Probe | undefined,
  remembered: readonly Observation[] = [],
  at: number,
): Observation {
  // New addresses of the same application: what it implemented it still does, until it says otherwise. Another
  // place to look is another question, and what was read at the old one is no answer to it.
  const same = JSON.stringify(before?.upstream.discover) === JSON.stringify(upstream.discover)
  if (before !== undefined && same) return { ...before.observation(), nextAt: at }
  const known = remembered.find((one) => one.upstream === upstream.name && one.detector === kind)
  if (before === undefined && known !== undefined) return { ...known, nextAt: at }
  return {
    upstream: upstream.name,
    detector: kind,
    state: 'pending',
    operations: [],
    confidence,
    source: '',
    attempts: [],
    at,
    nextAt: at,
  }
}

function observationAfter(known: Observation, finding: Finding, at: number): Observation {
  const { attempts } = finding
  switch (finding.kind) {
    case 'read': {
      const { operations, source } = finding
      return { ...known, state: operations.length > 0 ? 'answered' : 'none', operations, source, attempts, at }
    }
    case 'unchanged':
      return { ...known, attempts, at }
    case 'unreachable':
      return { ...known, attempts }
    case 'absent':
    case 'failed':
      // Losing a description removes nothing: the last one stays, as old as it is.
      if (known.state === 'answered') return { ...known, attempts }
      return { ...known, state: finding.kind === 'absent' ? 'none' : 'failed', attempts, at }
  }
}

function saysSomethingNew(before: Observation, after: Observation): boolean {
  return before.state !== after.state || operationsText(before) !== operationsText(after)
}

function operationsText({ operations }: Observation): string {
  return operations.map(({ method, template }) => `${operationKey(method, template)} ${template}`).join('\n')
}

/** `GET /openapi.json 404 in 12 ms; tried 11 paths: none has a description; …`. */
function summary({ attempts }: Finding): string {
  const told = attempts.length > 2 ? attempts.slice(-1) : attempts
  return told.map(({ what, outcome }) => `${what}: ${outcome}`).join('; ')
}
