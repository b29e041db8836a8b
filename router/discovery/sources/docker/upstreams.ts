import type { ObservedEndpoint, SightedUpstream, Sighting } from '../../../model/catalogue.ts'
import type { Diagnostic } from '../../../model/diagnostic.ts'
import type { Spec, Tier } from '../../../model/spec.ts'
import { type Labelled, readLabels } from '../labels.ts'
import type { Container } from './engine.ts'
import type { ContainersOptions, DockerSettings } from './options.ts'
import { placeOf, type Viewpoint } from './places.ts'

/** What the file asks of the engine. */
export type Asked = {
  readonly settings: DockerSettings
  readonly written: readonly { readonly name: string; readonly tier: Tier; readonly options: ContainersOptions }[]
}

/** Undefined: nothing in the file concerns the engine. */
export function askedOf({ upstreams, sources = [] }: Spec): Asked | undefined {
  const top = sources.find(({ kind }) => kind === 'docker')?.options as DockerSettings | undefined
  const settings = top ?? { upstreams: false }
  const written = upstreams.flatMap(({ name, tier, source }) =>
    source?.kind === 'docker' ? [{ name, tier, options: source.options as ContainersOptions }] : [],
  )
  return written.length > 0 || settings.upstreams ? { settings, written } : undefined
}

/** What a list of containers says of every upstream; `sighting` is the engine's own. */
export function upstreamsOf(
  containers: readonly Container[],
  { settings, written }: Asked,
  from: Viewpoint,
  sighting: Sighting,
): readonly SightedUpstream[] {
  const labelled = containers.map((container) => ({ container, labels: readLabels(container.labels) }))
  const own = written.map(({ name, tier, options }) => {
    const chosen = labelled.filter(({ container }) => hasLabel(container, options.label))
    return sighted(name, `containers with the label ${options.label}`, chosen, {
      port: options.port,
      tier,
      from,
      sighting,
    })
  })
  if (!settings.upstreams) return own
  const names = new Set(written.map(({ name }) => name))
  const found = labelled.filter(({ labels }) => labels.upstream !== undefined && !names.has(labels.upstream))
  const groups = Map.groupBy(found, ({ labels }) => labels.upstream ?? '')
  const others = [...groups].map(([name, chosen]) => {
    const what = `containers with the label banyan.upstream=${name}`
    return sighted(name, what, chosen, { port: undefined, tier: undefined, from, sighting })
  })
  return [...own, ...others]
}

/** Containers that want to be an upstream, and whose name for it is none: they are in no upstream that could tell. */
export function misnamed(containers: readonly Container[], { settings }: Asked): readonly Diagnostic[] {
  if (!settings.upstreams) return []
  return containers
    .filter(({ labels }) => Object.hasOwn(labels, 'banyan.upstream') && readLabels(labels).upstream === undefined)
    .flatMap(({ name, labels }) => readLabels(labels).problems.map((sentence) => `container ${name}: ${sentence}`))
    .sort()
    .map((message) => ({ severity: 'warning', code: 'wrong-label', message }))
}

function hasLabel({ labels }: Container, wanted: string): boolean {
  const [, key = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(wanted) ?? []
  return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value)
}

type Labeled = { readonly container: Container; readonly labels: Labelled }

type Around = {
  readonly port: number | undefined
  /** Undefined: what the labels say. */
  readonly tier: Tier | undefined
  readonly from: Viewpoint
  readonly sighting: Sighting
}

function sighted(
  name: string,
  what: string,
  chosen: readonly Labeled[],
  { port, tier, from, sighting }: Around,
): SightedUpstream {
  const sorted = chosen.toSorted((a, b) => (a.container.name < b.container.name ? -1 : 1))
  const places = sorted.map(({ container, labels }) => ({
    name: container.name,
    ...placeOf(container, port ?? labels.port, from),
  }))
  const endpoints = places.flatMap((place) => ('endpoint' in place ? [place.endpoint] : []))
  const told = places.map((one) =>
    'endpoint' in one ? `${one.name} at ${addressOf(one.endpoint)}` : `${one.name} ${one.why}`,
  )
  const problems = sorted.flatMap(({ container, labels }) => labels.problems.map((one) => `${container.name}: ${one}`))
  const outcome = chosen.length === 0 ? 'there is none' : [...shortened(told), ...problems].join('; ')
  const at = sighting.at ?? 0
  // Of several, the newest tells what all of them are: it is what the others will be replaced by.
  const newest = chosen.toSorted((a, b) => b.container.created - a.container.created)[0]
  const images = new Set(
    sorted.filter((_, index) => 'endpoint' in (places[index] ?? {})).map((one) => one.container.image),
  )
  const [revision] = images
  return {
    name,
    tier: tier ?? newest?.labels.tier ?? 'service',
    endpoints: endpoints.toSorted((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1)),
    found: foundIn(sorted.map(({ container }) => container.name)),
    ...(newest?.labels.declares === undefined ? {} : { declares: newest.labels.declares }),
    ...(newest?.labels.discover === undefined ? {} : { discover: newest.labels.discover }),
    ...(images.size === 1 && revision !== undefined ? { revision } : {}),
    sighting: { ...sighting, attempts: [{ what, outcome, at }] },
  }
}

function addressOf({ host, port }: ObservedEndpoint): string {
  return `${host}:${port}`
}

const SHOWN = 10

function shortened(all: readonly string[]): readonly string[] {
  return all.length <= SHOWN ? all : [...all.slice(0, SHOWN), `and ${all.length - SHOWN} more`]
}

function foundIn(names: readonly string[]): string {
  if (names.length === 0) return 'no container'
  return `${names.length === 1 ? 'container' : 'containers'} ${shortened(names).join(', ')}`
}
