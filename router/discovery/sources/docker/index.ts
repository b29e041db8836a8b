import { hostname } from 'node:os'
import type { SightedUpstream, SourceObservation } from '../../../model/catalogue.ts'
import type { Spec } from '../../../model/spec.ts'
import type { SourceContext, SourceKind } from '../source.ts'
import { openEngine } from './engine.ts'
import { ownNetworks } from './places.ts'
import { type Asked, askedOf, misnamed, upstreamsOf } from './upstreams.ts'
import { startWatch, type Watch } from './watch.ts'

/**
 * Upstreams whose endpoints are containers: those that the file selects by a label, and those that call themselves an
 * upstream. An engine that is away is waited for; what was last known of it stays.
 */
export const docker: SourceKind = {
  kind: 'docker',
  create(context) {
    let asked: Asked | undefined
    let watch: Watch | undefined
    let last: readonly SightedUpstream[] = context.remembered?.upstreams ?? []
    let spoken = false
    const ended: Promise<void>[] = []
    update(context.spec)
    return {
      update,
      async close() {
        if (watch !== undefined) ended.push(watch.close())
        await Promise.all(ended)
      },
    }

    function update(spec: Spec): void {
      const before = asked
      asked = askedOf(spec)
      const same = JSON.stringify(before?.settings.engine) === JSON.stringify(asked?.settings.engine)
      if (watch !== undefined && (asked === undefined || !same)) {
        ended.push(watch.close())
        watch = undefined
      }
      if (asked !== undefined && watch === undefined) watch = startWatch(partsOf(asked))
      publish()
    }

    function partsOf({ settings }: Asked) {
      const { clock, random, log } = context
      return { open: () => openEngine(settings.engine), clock, random, log, changed: publish }
    }

    function publish(): void {
      if (asked === undefined && !spoken) return
      spoken = true
      const word = asked === undefined || watch === undefined ? silence(context) : wordOf(asked, watch, last, context)
      last = word.upstreams
      context.publish(word)
    }
  },
}

function silence({ clock }: SourceContext): SourceObservation {
  return { source: 'docker', at: clock.now(), upstreams: [] }
}

function wordOf(
  asked: Asked,
  watch: Watch,
  last: readonly SightedUpstream[],
  { clock, remembered }: SourceContext,
): SourceObservation {
  const own = watch.sighting()
  const sighting = { ...own, at: own.at ?? remembered?.sighting?.at }
  const containers = watch.containers()
  const names = new Set(asked.written.map(({ name }) => name))
  const stays = ({ name }: SightedUpstream) => names.has(name) || asked.settings.upstreams
  if (containers === undefined) {
    const known = new Map(last.filter(stays).map((upstream) => [upstream.name, { ...upstream, sighting }]))
    const missing = asked.written.filter(({ name }) => !known.has(name))
    const unknown = missing.map(({ name, tier }) => ({ name, tier, endpoints: [], sighting }))
    return { source: 'docker', at: clock.now(), upstreams: [...known.values(), ...unknown], sighting }
  }
  const from = {
    host: watch.engine()?.host ?? '127.0.0.1',
    ownNetworks: ownNetworks(containers, hostname()),
    network: asked.settings.network,
  }
  const seen = upstreamsOf(containers, asked, from, sighting)
  const present = new Set(seen.map(({ name }) => name))
  const gone = last.filter((upstream) => stays(upstream) && !present.has(upstream.name) && !names.has(upstream.name))
  return {
    source: 'docker',
    at: clock.now(),
    upstreams: [...seen, ...gone.map((one) => withoutContainers(one, sighting))],
    problems: misnamed(containers, asked),
    sighting,
  }
}

/** It owns what it owned: nothing that comes and goes by itself decides that. */
function withoutContainers(
  upstream: SightedUpstream,
  sighting: NonNullable<SightedUpstream['sighting']>,
): SightedUpstream {
  const what = `containers with the label banyan.upstream=${upstream.name}`
  const outcome = 'there is none any more; it stays an upstream until docker: is taken out of the file'
  const attempts = [{ what, outcome, at: sighting.at ?? 0 }]
  return { ...upstream, endpoints: [], found: 'no container', sighting: { ...sighting, attempts } }
}
