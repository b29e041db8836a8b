import { uncoveredPaths } from '../catalogue/coverage.ts'
import { joinCatalogue } from '../catalogue/join.ts'
import { decideOwnership } from '../catalogue/ownership.ts'
import { pendingUpstreams } from '../catalogue/pending.ts'
import { compile } from '../compile/compile.ts'
import { functionFolders } from '../config/load.ts'
import { loadObservations } from '../control/observations.ts'
import { detectableUpstreams } from '../discovery/detectable.ts'
import { descriptionFetcher } from '../discovery/fetch.ts'
import { type Discovery, startDiscovery } from '../discovery/index.ts'
import { lookAtPages, type PagesLook } from '../discovery/pages.ts'
import { systemClock } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { packageVersion } from '../kernel/version.ts'
import type { Catalogue, Observation, SourceObservation } from '../model/catalogue.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Spec } from '../model/spec.ts'

/** What asking the upstreams themselves came to; `by` says in words what was done. */
export type Probed = { readonly diagnostics: readonly Diagnostic[]; readonly by: string }

/** As long as sources and upstreams have to answer. */
const ANSWER_MS = 5_000
const LOOK_MS = 50

/** Judges a configuration by what its upstreams say now, without a running router. Changes nothing. */
export async function probeUpstreams(spec: Spec): Promise<Probed> {
  // The clock keeps no process alive, and at times everything waits for it.
  const alive = setInterval(() => {}, ANSWER_MS)
  const clock = systemClock
  const fetch = descriptionFetcher({ version: packageVersion(), clock })
  const discovery = startDiscovery({
    spec,
    functions: undefined,
    fetch,
    clock,
    random: Math.random,
    log: silentLog,
    changed: () => {},
  })
  try {
    const began = clock.elapsed()
    await discovery.heard(ANSWER_MS)
    while (isWaiting(discovery) && clock.elapsed() - began < ANSWER_MS) await pause(LOOK_MS)
    const known = functionsLastKnown(spec)
    const sources = [...discovery.sources().filter(({ source }) => source !== 'functions'), known.source]
    const observations = [...discovery.observations(), ...known.observations]
    const { ownership, observed } = decideOwnership({ remembered: new Map(), observations, sources, spec })
    const catalogue = joinCatalogue(observations, [], new Map([...observed, ...ownership]))
    const look = await pagesOf(spec, discovery, catalogue)
    const { diagnostics } = compile(spec, { catalogue, sources }, [])
    const seconds = Math.max(1, Math.round((clock.elapsed() - began) / 1_000))
    const by = [
      `captures checked against the ${catalogue.operations.length} operations that upstreams have just named`,
      ...pendingUpstreams(observations).map((name) => `${name} did not answer`),
      ...(known.unknown.length === 0 ? [] : [`${known.unknown.join(', ')} not asked: the router was never started`]),
      ...(look === undefined ? [] : [pagesText(spec, look)]),
      `took ${seconds} s`,
    ].join('; ')
    return {
      diagnostics: [...diagnostics, ...(look?.missing ?? []).map((link) => missingLink(link, spec, known.unknown))],
      by,
    }
  } finally {
    clearInterval(alive)
    await discovery.close()
  }
}

function isWaiting(discovery: Discovery): boolean {
  return discovery.observations().some(({ state, attempts }) => state === 'pending' && attempts.length === 0)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Functions are not loaded for a check: what they declared when the router last ran counts. */
function functionsLastKnown(spec: Spec) {
  const names = (spec.functions === undefined ? [] : (functionFolders(spec.functions) ?? [])).map(
    (it) => `functions/${it}`,
  )
  const observations: readonly Observation[] = loadObservations(spec.state.folder).filter(({ upstream }) =>
    names.includes(upstream),
  )
  const upstreams = names.map((name) => ({ name, tier: 'function', endpoints: [] }) as const)
  const source: SourceObservation = { source: 'functions', at: 0, upstreams }
  const unknown = names.filter((name) => observations.every(({ upstream }) => upstream !== name))
  return { source, observations, unknown }
}

async function pagesOf(spec: Spec, discovery: Discovery, catalogue: Catalogue): Promise<PagesLook | undefined> {
  const upstream = detectableUpstreams(spec, discovery.upstreams()).find(({ name }) => name === spec.defaultUpstream)
  if (upstream === undefined || upstream.endpoints.length === 0) return undefined
  const clock = systemClock
  const fetch = descriptionFetcher({ version: packageVersion(), clock })
  const entry = { method: 'GET', upstream: '', status: 0, count: 0, lastAt: 0 }
  const isKnown = (path: string) => uncoveredPaths([{ ...entry, path }], catalogue.operations).length === 0
  return lookAtPages({ upstream, fetch, clock, signal: new AbortController().signal, isKnown })
}

function pagesText({ defaultUpstream }: Spec, { pages, requests, missing, stopped }: PagesLook): string {
  const found = `${missing.length} links that nobody serves`
  return `${pages} pages of ${defaultUpstream} read with ${requests} GET requests: ${found}${stopped ? `, ${stopped}` : ''}`
}

function missingLink(
  { path, on, status }: PagesLook['missing'][number],
  { defaultUpstream }: Spec,
  unknown: readonly string[],
): Diagnostic {
  return {
    severity: 'warning',
    code: 'nobody-serves',
    message: `GET ${path} is on ${on} of ${defaultUpstream}, and nobody serves it: ${status}`,
    hint:
      unknown.length === 0
        ? 'remove the link, or let an upstream or a function implement it'
        : `unless ${unknown.join(' or ')} does: start the router once, then check again`,
  }
}
