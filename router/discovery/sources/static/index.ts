import type { Spec } from '../../../model/spec.ts'
import type { SourceContext, SourceKind } from '../source.ts'

/** The upstreams that the YAML names, at the addresses it gives. */
export const staticSource: SourceKind = {
  kind: 'static',
  create(context) {
    observe(context, context.spec)
    return { update: (spec) => observe(context, spec), close: async () => {} }
  },
}

function observe({ clock, publish }: SourceContext, spec: Spec): void {
  const upstreams = spec.upstreams.map(({ name, tier, urls }) => ({
    name,
    tier,
    endpoints: urls.map(({ host, port, path }) => ({ host, port, path })),
  }))
  publish({ source: 'static', at: clock.now(), upstreams })
}
