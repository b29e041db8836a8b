import type { FunctionState } from '../../../model/functions.ts'
import type { SourceContext, SourceKind } from '../source.ts'

/**
 * The functions folder: every folder in it is an upstream. It has no endpoints here: where a function listens
 * changes with every new version and is published beside the plan.
 */
export const functions: SourceKind = {
  kind: 'functions',
  create(context) {
    observe(context)
    const stop = context.functions?.changed(() => observe(context))
    return {
      update: () => observe(context),
      close: async () => stop?.(),
    }
  },
}

// Silent until the folder was read: an empty word would say that every function was removed.
function observe({ functions: feed, clock, publish }: SourceContext): void {
  const states = feed?.state()
  if (states !== undefined) publish({ source: 'functions', at: clock.now(), upstreams: states.map(upstreamOf) })
}

function upstreamOf({ name, revision, failure, refused, routes }: FunctionState) {
  // One that is still loading has not said yet what it implements, which is not the same as nothing.
  const loading = revision === undefined && failure === undefined && routes.length === 0
  return {
    name,
    tier: 'function' as const,
    endpoints: [],
    ...(loading ? {} : { declares: routes }),
    ...(revision !== undefined && { revision }),
    ...(failure !== undefined && { failure }),
    ...(refused !== undefined && { refused }),
  }
}
