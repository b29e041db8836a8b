import type { LeftDay, LeftView } from '../admin/control.ts'
import type { NextOperation } from '../catalogue/next.ts'
import type { Quiet } from '../catalogue/quiet.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { duration, share, table } from './table.ts'
import { textOption, UsageError, type Verb, type VerbArgs } from './verb.ts'

/** What is left in the monolith: operations, their share of traffic, and who could take each. */
export const left: Verb = {
  name: 'left',
  summary: 'says what is left in the legacy application, and which of it could move',
  usage: 'left [--window 30d] [--json]',
  example: 'banyan left',
  help: `  --window 30d       how long nobody may have asked for an operation before it is said to be dead: days, or 12h
${ADMIN_USAGE}
  Shares are of the requests that were for upstreams; what the router answers itself counts for none.
  JSON: { "since", "operations": [{ key, method, template, upstream, requests, share, candidates }], "tiers",
          "days": [{ day, tiers }], "quiet": { windowMs, watchedMs, dead, unsettled }, "next": [{ key, reason, … }] }`,
  positionals: 0,
  options: { ...ADMIN_OPTIONS, window: { type: 'string' } },
  run: (args, io) =>
    ask(args, io, async (client) => {
      const found = await client.get<LeftView>(`/api/left?window=${windowOf(args)}`)
      return { data: found, text: describe(found) }
    }),
}

/** `30d` or `12h`, in ms. */
function windowOf(args: VerbArgs): number {
  const text = textOption(args, 'window') ?? '30d'
  const [, number, unit = ''] = /^(\d{1,4})([dh])$/.exec(text) ?? []
  const ms = Number(number) * (unit === 'd' ? 86_400_000 : 3_600_000)
  if (!(ms > 0)) throw new UsageError(`--window "${text}" is no time such as 30d or 12h`)
  return ms
}

function describe({ since, operations, tiers, days, quiet, next }: LeftView): string {
  const total = tiers.reduce((sum, tier) => sum + tier.operations, 0)
  const tierRows = tiers.map((one) => [one.tier, String(one.operations), String(one.requests), share(one.share)])
  const rows = operations.map((one) => [
    one.method,
    one.template,
    one.upstream,
    String(one.requests),
    share(one.share),
    one.candidates.map(({ upstream }) => upstream).join(', ') || '-',
  ])
  const headline = `${operations.length} of ${total} operations are left in legacy; requests counted for ${duration(Date.now() - since)}`
  return [
    headline,
    '',
    table(['TIER', 'OPERATIONS', 'REQUESTS', 'SHARE'], tierRows),
    'what the router answered itself counts for no tier',
    '',
    table(['METHOD', 'PATH', 'SERVED BY', 'REQUESTS', 'SHARE', 'COULD MOVE TO'], rows),
    '',
    byDay(days),
    '',
    nobodyAsksFor(quiet),
    ...(next.length === 0 ? [] : ['', 'easiest to move now', ...next.map(advice)]),
  ].join('\n')
}

const SHOWN_DAYS = 14

function byDay(days: readonly LeftDay[]): string {
  const rows = days
    .slice(-SHOWN_DAYS)
    .map(({ day, tiers }) => [
      day,
      ...tiers.map(({ share: part, operations }) => `${share(part)}, ${operations} operations`),
    ])
  return table(['DAY (UTC)', 'LEGACY', 'SERVICE', 'FUNCTION'], rows)
}

function nobodyAsksFor({ windowMs, watchedMs, dead, unsettled }: Quiet): string {
  const lines = dead.map(({ method, template, quietMs, askedAt, upstream }) => {
    const last = askedAt === null ? 'never asked for' : `last asked for ${new Date(askedAt).toISOString().slice(0, 10)}`
    return `  ${method} ${template} (${upstream ?? 'nobody'}): watched for ${duration(quietMs)} without a request, ${last}`
  })
  const waits = `watched for ${duration(watchedMs)} of ${duration(windowMs)}: too early to call them dead`
  return [
    dead.length === 0 ? 'nothing is known to be dead' : 'nobody asks for',
    ...lines,
    ...(unsettled === 0 ? [] : [`  ${unsettled} operations have not been asked for yet; ${waits}`]),
  ].join('\n')
}

function advice({ method, template, upstream, candidate, reason }: NextOperation): string {
  return `  ${method} ${template}, ${upstream} to ${candidate}: ${reason}`
}
