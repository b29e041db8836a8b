import type { SightedUpstream, SourceObservation } from '../../model/catalogue.ts'
import type { Diagnostic } from '../../model/diagnostic.ts'

/** An upstream as its source sees it. */
export type ObservedUpstream = SightedUpstream & { readonly source: string }

/** What all sources say together, every name once. */
export type Merged = {
  /** The words without the upstreams that somebody else has. */
  readonly observations: readonly SourceObservation[]
  readonly upstreams: readonly ObservedUpstream[]
  /** One for each name that two sources give, naming both. */
  readonly clashes: readonly Diagnostic[]
}

/**
 * One list of upstreams. A name that the YAML gives belongs to the source that it names there (`written`, source by
 * upstream), whatever the order: what the user wrote is not replaced by what was found. Any other goes to the first
 * source in the alphabet.
 */
export function mergeObservations(
  observations: readonly SourceObservation[],
  written: ReadonlyMap<string, string>,
): Merged {
  const owners = new Map<string, ObservedUpstream>()
  const clashes: Diagnostic[] = []
  const named = observations.toSorted((a, b) => (a.source < b.source ? -1 : 1))
  const all = named.flatMap(({ source, upstreams }) => upstreams.map((upstream) => ({ ...upstream, source })))
  const isWritten = ({ name, source }: ObservedUpstream) => written.get(name) === source
  for (const upstream of [...all.filter(isWritten), ...all.filter((one) => !isWritten(one))]) {
    const first = owners.get(upstream.name)
    if (first === undefined) owners.set(upstream.name, upstream)
    else clashes.push(clash(first, upstream))
  }
  return {
    observations: observations.map((observation) => ({
      ...observation,
      upstreams: observation.upstreams.filter(({ name }) => owners.get(name)?.source === observation.source),
    })),
    upstreams: [...owners.values()],
    clashes,
  }
}

function clash(first: ObservedUpstream, second: ObservedUpstream): Diagnostic {
  return {
    severity: 'warning',
    code: 'upstream-clash',
    message: `upstream "${first.name}" comes from ${placeOf(first)} and from ${placeOf(second)}; the first one is used`,
    hint: 'rename one of them: an upstream has one source',
  }
}

function placeOf({ source, found }: ObservedUpstream): string {
  if (source === 'static') return 'the YAML'
  return found === undefined ? source : `${source} (${found})`
}
