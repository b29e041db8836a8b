import type { Spec } from '../model/spec.ts'
import type { DetectableUpstream } from './detectors/detector.ts'
import type { ObservedUpstream } from './sources/index.ts'

/** What detectors need to know of every upstream: what its source sees, joined with what the YAML says of it. */
export function detectableUpstreams(spec: Spec, observed: readonly ObservedUpstream[]): readonly DetectableUpstream[] {
  const written = new Map(spec.upstreams.map((upstream) => [upstream.name, upstream]))
  return observed.map(({ name, source, endpoints, declares, failure }) => {
    const own = source === 'static' ? written.get(name) : undefined
    return {
      name,
      endpoints,
      discover: own?.discover ?? { openapi: undefined, mappings: undefined },
      ownHosts: own?.ownHosts ?? [],
      declares,
      failure,
    }
  })
}
