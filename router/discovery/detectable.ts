import type { DiscoverSpec, Spec } from '../model/spec.ts'
import type { DetectableUpstream } from './detectors/detector.ts'
import type { ObservedUpstream } from './sources/merge.ts'

/**
 * What detectors need to know of every upstream: what its source sees, joined with what the YAML says of it. Where the
 * YAML says how to find out what an upstream implements, its labels say nothing; what it switches off, they do not
 * switch on.
 */
export function detectableUpstreams(spec: Spec, observed: readonly ObservedUpstream[]): readonly DetectableUpstream[] {
  const written = new Map(spec.upstreams.map((upstream) => [upstream.name, upstream]))
  return observed.map(({ name, endpoints, declares, failure, discover }) => {
    const own = written.get(name)
    return {
      name,
      endpoints,
      discover: { ...NOT_ASKED, ...askedOf(own?.discover, discover) },
      ownHosts: own?.ownHosts ?? [],
      ...(own?.tls && { tls: own.tls }),
      declares,
      failure,
    }
  })
}

/** The detectors that are asked, and where they look: nothing else is in it. */
export function askedOf(written: DiscoverSpec = {}, labels: DiscoverSpec = {}): DiscoverSpec {
  const isOn = ([, place]: readonly [string, string | undefined]) => place !== undefined && place !== 'off'
  const on = Object.entries(written).filter(isOn)
  const kept = Object.entries(labels).filter((one) => isOn(one) && written[one[0]] !== 'off')
  return Object.fromEntries(on.length > 0 ? on : kept)
}

const NOT_ASKED: DiscoverSpec = { openapi: undefined, mappings: undefined }
