import type { Spec } from '../model/spec.ts'
import { type Compiled, compile, type World } from './compile.ts'

/**
 * The plan of a router that only observes: everything goes to the default upstream. No route, shift or operation of
 * another upstream takes anything; operations have rules of their own so that their requests are counted. Pure.
 */
export function compileObserving(spec: Spec, world: World): Compiled {
  const owner = spec.defaultUpstream
  const operations = world.catalogue.operations.map((operation) => ({ ...operation, owner }))
  const sources = world.sources.map(({ routes: _, ...source }) => source)
  return compile({ ...spec, routes: [] }, { catalogue: { ...world.catalogue, operations }, sources }, [])
}

/** What is said wherever somebody looks at such a router. */
export function observingText(defaultUpstream: string | undefined): string {
  return (
    `only observes: everything goes to ${defaultUpstream}, and no route, shift or discovered operation takes anything; ` +
    'start banyan up without --observe to let them'
  )
}
