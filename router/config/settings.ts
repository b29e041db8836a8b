import { dirname } from 'node:path'
import { z } from 'zod'
import { SOURCE_SCHEMAS } from '../discovery/sources/schemas.ts'
import type { SourceSettings, Spec } from '../model/spec.ts'
import { LATER_ADOPT } from './later.ts'
import { absolutePath } from './paths.ts'
import type { Reading } from './reading.ts'
import { block, durationOrZero, flag, list, map, oneOf, Refused, someText, textKind, wholeNumber } from './values.ts'

/** The keys at the top of the file that are one value each. */

const processes = z
  .union([z.literal('auto'), wholeNumber(1, 64, 'auto or a number from 1 to 64')], {
    error: 'auto or a number from 1 to 64',
  })
  .optional()
  .describe('Data-plane processes; auto: one a core')
  .meta({ default: 'auto' })

const state = textKind('sqlite:PATH', (text) => {
  if (/^rediss?:/.test(text)) {
    const message = 'state in Redis is not in this version'
    throw new Refused({ code: 'not-in-this-version', message, hint: 'use sqlite:PATH, and one router' })
  }
  const path = /^sqlite:(.+)$/.exec(text)?.[1]
  if (path === undefined) throw new Refused()
  return path
})
  .optional()
  .describe('Where shifts, ownership and the ledger are kept; its folder is the state folder')
  .meta({ default: 'sqlite:.banyan/state.db', examples: ['sqlite:.banyan/state.db'] })

const adopt = textKind('never', (text) => {
  if (text === 'never') return text
  if (!LATER_ADOPT.includes(text)) throw new Refused()
  const message = `adopt: ${text} is not in this version`
  throw new Refused({ code: 'not-in-this-version', message, hint: 'write a route with from, to and shift' })
}).meta({ enum: ['never'] })

const ownKeys = {
  processes,
  state,
  trustedProxies: list(block, 'IP addresses or CIDR blocks')
    .optional()
    .describe("Whose X-Forwarded-* and Forwarded fields are believed; default: nobody's"),
  overrides: map({ from: list(block, 'IP addresses or CIDR blocks').describe('Addresses of the callers') })
    .optional()
    .describe('Who may choose an arm of a shift with the field x-banyan-arm; default: nobody'),
  default: someText('the name of an upstream')
    .optional()
    .describe('The upstream that serves what nobody else claims; default: none, such requests get 404'),
  functions: someText('the path of a folder')
    .optional()
    .describe('Folder of functions; every folder in it is an upstream of its own, functions/NAME'),
  paths: oneOf(['sensitive', 'insensitive'])
    .optional()
    .describe('Whether the case of a path counts in matching')
    .meta({ default: 'sensitive' }),
  lameDuck: durationOrZero
    .optional()
    .describe('How long new requests are still served after a stop was asked, with readiness already false')
    .meta({ default: '5s' }),
  grace: durationOrZero
    .optional()
    .describe('How long requests in flight may take to finish after that')
    .meta({ default: '30s' }),
  debug: flag
    .optional()
    .describe('Adds upstream, route and arm to answers; never in production')
    .meta({ default: false }),
  discovered: map({ adopt: adopt.optional().describe('never: an operation keeps its owner until a route moves it') })
    .optional()
    .describe('Operations that discovery found and no route names'),
}

export const settingKeys: typeof ownKeys = {
  ...ownKeys,
  ...Object.fromEntries(SOURCE_SCHEMAS.flatMap(({ kind, top }) => (top === undefined ? [] : [[kind, top.optional()]]))),
}

type Settings = Pick<
  Spec,
  | 'processes'
  | 'state'
  | 'trustedProxies'
  | 'overrides'
  | 'defaultUpstream'
  | 'functions'
  | 'paths'
  | 'lameDuckMs'
  | 'graceMs'
  | 'debug'
  | 'sources'
>

/** Defaults applied; what is wrong is reported. `cores` is what `processes: auto` means. */
export function decodeSettings(reading: Reading, cores: number): Settings {
  const read = <S extends z.ZodType>(schema: S, key: string) => reading.decode(schema, [key])
  const count = read(settingKeys.processes, 'processes') ?? 'auto'
  const database = absolutePath(reading.file, read(settingKeys.state, 'state') ?? '.banyan/state.db')
  const functions = read(settingKeys.functions, 'functions')
  read(settingKeys.discovered, 'discovered')
  const sources = decodeSources(reading)
  return {
    processes: count === 'auto' ? cores : count,
    state: { kind: 'sqlite', path: database, folder: dirname(database) },
    trustedProxies: read(settingKeys.trustedProxies, 'trustedProxies') ?? [],
    overrides: { from: read(settingKeys.overrides, 'overrides')?.from ?? [] },
    defaultUpstream: read(settingKeys.default, 'default'),
    functions: functions === undefined ? undefined : absolutePath(reading.file, functions),
    paths: read(settingKeys.paths, 'paths') ?? 'sensitive',
    lameDuckMs: read(settingKeys.lameDuck, 'lameDuck') ?? 5_000,
    graceMs: read(settingKeys.grace, 'grace') ?? 30_000,
    debug: read(settingKeys.debug, 'debug') ?? false,
    ...(sources.length === 0 ? {} : { sources }),
  }
}

/** What the top of the file says of sources; `docker: false` says nothing. */
function decodeSources(reading: Reading): readonly SourceSettings[] {
  return SOURCE_SCHEMAS.flatMap(({ kind, top, discovers }): readonly SourceSettings[] => {
    if (top === undefined) return []
    const options: unknown = reading.decode(top.optional(), [kind])
    return options === undefined ? [] : [{ kind, options, discovers: discovers?.(options) ?? false }]
  })
}
