import type { SightedUpstream } from '../../../model/catalogue.ts'
import type { Spec, UpstreamSpec } from '../../../model/spec.ts'
import type { SourceContext, SourceKind } from '../source.ts'

/** The upstreams that the YAML names with their addresses. */
export const staticSource: SourceKind = {
  kind: 'static',
  create(context) {
    observe(context, context.spec)
    return { update: (spec) => observe(context, spec), close: async () => {} }
  },
}

/** The upstream as the YAML has it; none where another source finds its endpoints. */
export function writtenUpstream({ name, tier, urls, source }: UpstreamSpec): readonly SightedUpstream[] {
  if (source !== undefined) return []
  return [{ name, tier, endpoints: urls.map(({ host, port, path }) => ({ host, port, path })) }]
}

function observe({ clock, publish }: SourceContext, spec: Spec): void {
  publish({ source: 'static', at: clock.now(), upstreams: spec.upstreams.flatMap(writtenUpstream) })
}
