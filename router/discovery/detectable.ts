import type { DiscoverSpec, Spec } from '../model/spec.ts'
import type { DetectableUpstream } from './detectors/detector.ts'
import type { ObservedUpstream } from './sources/merge.ts'

/**
 * What detectors need to know of every upstream: what its source sees, joined with what the YAML says of it. Where the
 * YAML says how to find out what an upstream implements, its labels say nothing.
 */
export function detectableUpstreams(spec: Spec, observed: readonly ObservedUpstream[]): readonly DetectableUpstream[] {
  const written = new Map(spec.upstreams.map((upstream) => [upstream.name, upstream]))
  return observed.map(({ name, endpoints, declares, failure, discover }) => {
    const own = written.get(name)
    return {
      name,
      endpoints,
      discover: own !== undefined && isAsked(own.discover) ? own.discover : { ...NOT_ASKED, ...discover },
      ownHosts: own?.ownHosts ?? [],
      ...(own?.tls && { tls: own.tls }),
      declares,
      failure,
    }
  })
}

const NOT_ASKED: DiscoverSpec = { openapi: undefined, mappings: undefined }

function isAsked(discover: DiscoverSpec): boolean {
  return Object.values(discover).some((place) => place !== undefined)
}
