import type { Catalogue, CatalogueOperation, Confidence, Evidence, Observation, Unclaimed } from '../model/catalogue.ts'
import { uncoveredPaths } from './coverage.ts'
import { operationKeys } from './keys.ts'
import { pendingUpstreams } from './pending.ts'

/**
 * The join of all observations on method and template, parameter names and `*` not counted. An operation that is
 * only remembered (its owner has not answered since the router started) is in it too, without evidence: what was
 * once known to be somebody's is not lost while discovery is.
 */
export function joinCatalogue(
  observations: readonly Observation[],
  unclaimed: readonly Unclaimed[],
  ownership: ReadonlyMap<string, string>,
): Catalogue {
  const found = new Map<string, Implementers>()
  for (const observation of observations) addObservation(found, observation)
  for (const [key, owner] of ownership) addRemembered(found, key, owner)
  const operations = [...found].map(([key, implementers]) => operationOf(key, implementers, ownership.get(key)))
  operations.sort(byPathThenMethod)
  return { operations, unclaimed: uncoveredPaths(unclaimed, operations), pending: pendingUpstreams(observations) }
}

/** By upstream. */
type Implementers = Map<string, { readonly template: string; readonly evidence: Evidence[] }>

function addObservation(found: Map<string, Implementers>, observation: Observation): void {
  const { upstream, detector, confidence, at, source } = observation
  const plain: Evidence = { detector, confidence, at, source }
  for (const [index, key] of operationKeys(observation).entries()) {
    const { template = '', detail } = observation.operations[index] ?? {}
    const evidence = detail === undefined ? plain : { ...plain, detail }
    const implementers = getOrAdd(found, key)
    const known = implementers.get(upstream)
    if (known === undefined) implementers.set(upstream, { template, evidence: [evidence] })
    else
      implementers.set(upstream, {
        template: namedFirst([known.template, template]),
        evidence: [...known.evidence, evidence],
      })
  }
}

function addRemembered(found: Map<string, Implementers>, key: string, owner: string): void {
  const implementers = getOrAdd(found, key)
  if (!implementers.has(owner)) implementers.set(owner, { template: key.slice(key.indexOf(' ') + 1), evidence: [] })
}

function getOrAdd(found: Map<string, Implementers>, key: string): Implementers {
  const known = found.get(key)
  if (known !== undefined) return known
  const added: Implementers = new Map()
  found.set(key, added)
  return added
}

function operationOf(key: string, implementers: Implementers, owner: string | undefined): CatalogueOperation {
  const implementations = [...implementers]
    .map(([upstream, { template, evidence }]) => ({ upstream, template, evidence: evidence.sort(byConfidence) }))
    .sort((a, b) => confidenceRank(a.evidence) - confidenceRank(b.evidence) || compareText(a.upstream, b.upstream))
  const owners = implementations.filter(({ upstream, evidence }) => upstream === owner && evidence.length > 0)
  const template = namedFirst([...owners, ...implementations].map((implementation) => implementation.template))
  return { key, method: key.slice(0, key.indexOf(' ')), template, implementations, owner }
}

/** The first that names its parameters; `*` and `{}` say less. */
function namedFirst(templates: readonly string[]): string {
  const nameless = (template: string) =>
    template.split('/').some((segment) => segment === '*' || segment.includes('{}'))
  return templates.find((template) => !nameless(template)) ?? templates[0] ?? '/'
}

const RANK: Readonly<Record<Confidence, number>> = { declared: 0, described: 1, observed: 2 }
const REMEMBERED = 3

function byConfidence(a: Evidence, b: Evidence): number {
  return RANK[a.confidence] - RANK[b.confidence] || compareText(a.detector, b.detector)
}

/** `evidence` sorted. */
function confidenceRank([best]: readonly Evidence[]): number {
  return best === undefined ? REMEMBERED : RANK[best.confidence]
}

function byPathThenMethod(a: CatalogueOperation, b: CatalogueOperation): number {
  return compareText(a.template, b.template) || compareText(a.method, b.method)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
