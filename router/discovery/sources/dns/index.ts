import type { ObservedEndpoint, SightedUpstream, Sighting } from '../../../model/catalogue.ts'
import type { Spec, UpstreamSpec } from '../../../model/spec.ts'
import { retryDelay } from '../../pace.ts'
import type { SourceContext, SourceKind } from '../source.ts'
import { type Answer, type Names, openNames } from './answers.ts'
import type { DnsOptions, DnsSettings } from './options.ts'

/**
 * Upstreams whose addresses are A, AAAA or SRV records: asked for again when their time to live is over. An answer is
 * believed, also where it says that there is nothing; without one the last addresses stay.
 */
export const dns: SourceKind = {
  kind: 'dns',
  create(context) {
    const lookups = new Map<string, Lookup>()
    let servers = serversOf(context.spec)
    let names = openNames(servers)
    let spoken = false
    update(context.spec)
    return {
      update,
      async close() {
        for (const lookup of lookups.values()) lookup.stop()
        names.close()
      },
    }

    function update(spec: Spec): void {
      const wanted = serversOf(spec)
      const moved = JSON.stringify(wanted) !== JSON.stringify(servers)
      if (moved) {
        names.close()
        names = openNames(wanted)
        servers = wanted
      }
      const upstreams = new Map(spec.upstreams.filter(isOurs).map((upstream) => [upstream.name, upstream]))
      for (const [name, lookup] of lookups) {
        const upstream = upstreams.get(name)
        if (upstream !== undefined && !moved && lookup.isFor(upstream)) continue
        lookup.stop()
        if (upstream === undefined) lookups.delete(name)
      }
      for (const [name, upstream] of upstreams) {
        const before = lookups.get(name)
        if (before === undefined || moved || !before.isFor(upstream)) {
          lookups.set(name, startLookup(upstream, { context, names, before, changed: publish }))
        } else before.describe(upstream)
      }
      publish()
    }

    function publish(): void {
      if (lookups.size === 0 && !spoken) return
      spoken = true
      const upstreams = [...lookups.values()].map((lookup) => lookup.seen())
      context.publish({ source: 'dns', at: context.clock.now(), upstreams })
    }
  },
}

function isOurs({ source }: UpstreamSpec): boolean {
  return source?.kind === 'dns'
}

function serversOf({ sources = [] }: Spec): readonly string[] {
  const settings = sources.find(({ kind }) => kind === 'dns')?.options as DnsSettings | undefined
  return settings?.servers ?? []
}

/** The name of one upstream, asked again and again. */
type Lookup = {
  isFor(upstream: UpstreamSpec): boolean
  /** The upstream is another in what its name does not say. */
  describe(upstream: UpstreamSpec): void
  seen(): SightedUpstream
  stop(): void
}

type LookupParts = {
  readonly context: SourceContext
  readonly names: Names
  /** The lookup whose place it takes. */
  readonly before: Lookup | undefined
  readonly changed: () => void
}

/** A name server that says 0 s, or a record that nobody will ever see change, is not taken at its word. */
const SHORTEST_MS = 1_000
const LONGEST_MS = 300_000
const LONGEST_PAUSE_MS = 30_000

function startLookup(upstream: UpstreamSpec, { context, names, before, changed }: LookupParts): Lookup {
  const { clock, random, log } = context
  const question = upstream.source?.options as DnsOptions
  const asked = question.port === undefined ? `SRV ${question.name}` : `A, AAAA ${question.name}:${question.port}`
  let { tier } = upstream
  let { endpoints, at } = lastKnown(upstream.name, asked, before, context)
  let sighting: Sighting = { state: 'pending', attempts: [], at, nextAt: clock.now() }
  let misses = 0
  let stopped = false
  let cancel = clock.after(0, () => void ask())

  return {
    isFor: ({ source }) => JSON.stringify(source?.options) === JSON.stringify(question),
    describe(next) {
      tier = next.tier
    },
    seen: () => ({ name: upstream.name, tier, endpoints, found: asked, sighting }),
    stop() {
      stopped = true
      cancel()
    },
  }

  async function ask(): Promise<void> {
    const answer = await names.ask(question)
    if (stopped) return
    const delay = take(answer)
    const { state } = sighting
    const attempt = { what: asked, outcome: answer.words, at: clock.now() }
    sighting = { state: stateOf(answer), attempts: [attempt], at, nextAt: clock.now() + delay }
    if (sighting.state !== state) tell(answer)
    cancel = clock.after(delay, () => void ask())
    changed()
  }

  /** How long until the next question. */
  function take(answer: Answer): number {
    misses = answer.kind === 'found' ? 0 : misses + 1
    if (answer.kind !== 'failed') {
      endpoints = answer.kind === 'found' ? answer.endpoints : []
      at = clock.now()
    }
    if (answer.kind !== 'found') return retryDelay(misses, random, LONGEST_PAUSE_MS)
    return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, answer.ttlMs))
  }

  function tell({ kind, words }: Answer): void {
    const message = `upstream "${upstream.name}": ${asked}: ${words}`
    if (kind === 'failed') log.warn(`${message}; its last addresses stay: ${endpoints.length}`)
    else log.info(message)
  }
}

function stateOf({ kind }: Answer): Sighting['state'] {
  return kind === 'failed' ? 'failed' : 'answered'
}

/** What the same question came to before: from other name servers, or before a restart. */
function lastKnown(
  name: string,
  asked: string,
  before: Lookup | undefined,
  { remembered }: SourceContext,
): { readonly endpoints: readonly ObservedEndpoint[]; readonly at: number | undefined } {
  const last = before?.seen() ?? remembered?.upstreams.find((one) => one.name === name)
  if (last?.found !== asked) return { endpoints: [], at: undefined }
  return { endpoints: last.endpoints, at: last.sighting?.at }
}
