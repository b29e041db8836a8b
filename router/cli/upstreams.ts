import type { SightingView, SourceView, UpstreamView } from '../admin/views.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { duration, table } from './table.ts'
import type { Verb } from './verb.ts'

/** Every upstream: where it is, what discovery tried there, and what came back. */
export const upstreams: Verb = {
  name: 'upstreams',
  summary: 'lists every upstream: its endpoints, what was tried to find it, what came back, what to do',
  usage: 'upstreams [--json]',
  example: 'banyan upstreams',
  help: `${ADMIN_USAGE}\n  JSON: { "upstreams": [{ name, tier, endpoints, health, failure, operations, detection }] }`,
  positionals: 0,
  options: ADMIN_OPTIONS,
  run: (args, io) =>
    ask(args, io, async (client) => {
      const found = await client.get<Answer>('/api/upstreams')
      return { data: found, text: describe(found, Date.now()) }
    }),
}

type Answer = {
  readonly upstreams: readonly UpstreamView[]
  readonly sources: readonly SourceView[]
  readonly observing: string | null
}

function describe({ upstreams: all, sources, observing }: Answer, now: number): string {
  const rows = all.map((one) => [
    one.name,
    one.tier,
    one.source,
    endpointsOf(one),
    String(one.operations),
    one.failure ?? one.detection.map(({ detector, state }) => `${detector}: ${state}`).join(', '),
  ])
  const unwell = all.flatMap(({ name, health }) =>
    health
      .filter(({ because }) => because !== null)
      .map(({ address, state, because }) => `  ${name}, ${address}: ${state}; ${because}`),
  )
  const advice = Map.groupBy(
    all.flatMap(({ name, advice: sentences }) => sentences.map((sentence) => ({ name, sentence }))),
    ({ sentence }) => sentence,
  )
  return [
    observing === null ? '' : `! this router ${observing}\n\n`,
    table(['UPSTREAM', 'TIER', 'SOURCE', 'ENDPOINTS', 'OPERATIONS', 'DISCOVERY'], rows),
    part('what is not healthy', unwell),
    part('where they were looked for', [
      ...sources.flatMap(({ source, sighting }) => looked(source, sighting, now)),
      ...all.flatMap((one) => lookedBeside(one, sources.find(({ source }) => source === one.source)?.sighting, now)),
    ]),
    part(
      'what discovery tried',
      all.flatMap((one) => one.detection.flatMap((seen) => tried(one.name, seen, now))),
    ),
    part(
      'what to do',
      [...advice].map(([sentence, those]) => `  ${some(those.map(({ name }) => name))}: ${sentence}`),
    ),
  ].join('')
}

function part(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n\n${title}\n${lines.join('\n')}`
}

function looked(what: string, { state, at, next_at, attempts }: SightingView, now: number): readonly string[] {
  const age = at === null ? 'never confirmed' : `confirmed ${duration(now - at)} ago`
  const lines = attempts.map(({ what: asked, outcome }) => `      ${asked}: ${outcome}`)
  return [`  ${what}: ${state}, ${age}${again(next_at, now)}`, ...lines]
}

/** What was found of an upstream: where its source as a whole is in trouble, that trouble is not told once more. */
function lookedBeside(
  { name, source, sighting }: UpstreamView,
  whole: SightingView | undefined,
  now: number,
): readonly string[] {
  if (sighting === null) return []
  if (whole?.state !== 'failed' || sighting.state !== 'failed') return looked(`${name}, ${source}`, sighting, now)
  const told = new Set(whole.attempts.map(({ what, outcome }) => `${what} ${outcome}`))
  const attempts = sighting.attempts.filter(({ what, outcome }) => !told.has(`${what} ${outcome}`))
  return attempts.length === 0 ? [] : looked(`${name}, ${source}`, { ...sighting, attempts, next_at: null }, now)
}

const SHOWN = 10

function some(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).join(', ')}${more}`
}

function tried(name: string, seen: UpstreamView['detection'][number], now: number): readonly string[] {
  const lines = seen.attempts.map(({ what, outcome }) => `      ${what}: ${outcome}`)
  const { detector, state, operations, at, next_at } = seen
  const found = `${operations} operation${operations === 1 ? '' : 's'}`
  const age = state === 'pending' ? 'not answered yet' : `${found}, ${duration(now - at)} ago`
  return [`  ${name}, ${detector}: ${state}, ${age}${again(next_at, now)}`, ...lines]
}

function again(at: number | null, now: number): string {
  return at === null ? '' : `; again in ${duration(at - now)}`
}

/** Where it is, and which of these addresses are not well. */
function endpointsOf({ endpoints, health }: UpstreamView): string {
  const unwell = health.filter(({ state }) => state !== 'healthy').map(({ address, state }) => `${address} ${state}`)
  return `${endpoints.join(', ') || '-'}${unwell.length === 0 ? '' : ` (${unwell.join(', ')})`}`
}
