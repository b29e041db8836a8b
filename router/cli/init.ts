import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { uncoveredPaths } from '../catalogue/coverage.ts'
import { formatDiagnostics } from '../config/format.ts'
import { loadSpec } from '../config/load.ts'
import { detectableUpstreams } from '../discovery/detectable.ts'
import { descriptionFetcher } from '../discovery/fetch.ts'
import { type Survey, surveyApplication } from '../discovery/survey.ts'
import { printable } from '../discovery/words.ts'
import { systemClock } from '../kernel/clock.ts'
import { operationKey } from '../kernel/template.ts'
import { readAuthorities } from '../kernel/tls/credentials.ts'
import { packageVersion } from '../kernel/version.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Spec } from '../model/spec.ts'
import { type FirstConfiguration, firstYaml } from './first-yaml.ts'
import { type CommandIo, textOption, UsageError, type Verb, type VerbArgs } from './verb.ts'

/** A first banyan.yaml for an application that runs. */
export const init: Verb = {
  name: 'init',
  summary: 'looks at a running application and writes a first banyan.yaml',
  usage: 'init --legacy URL [--ca FILE] [--name NAME] [-c FILE] [--json]',
  example: 'banyan init --legacy http://10.0.0.12:8080',
  help: `  --legacy URL       where the application is; HOST:PORT is http://HOST:PORT
  --ca FILE          the authority of an https application's certificate, in PEM, or that certificate itself
  --name NAME        what it is called in the file (default: legacy)
  -c, --config FILE  the file to write (default: banyan.yaml); one that exists is left alone
  --json             print JSON
  JSON: { "file", "page", "found": [{ detector, place, operations }], "missing", "uncovered", "hosts" }

It is asked for its front page, for descriptions at the usual places (OpenAPI, Spring's mappings), for robots.txt and
its sitemap. Links are read, not followed. Nothing is changed but the file.`,
  positionals: 0,
  options: {
    legacy: { type: 'string' },
    ca: { type: 'string' },
    name: { type: 'string' },
    config: { type: 'string', short: 'c' },
    json: { type: 'boolean' },
  },
  async run(args, io) {
    const legacy = textOption(args, 'legacy')
    if (legacy === undefined) throw new UsageError('--legacy URL is missing: where is the application?')
    const url = legacy.includes('://') ? legacy : `http://${legacy}`
    const file = resolve(io.cwd, textOption(args, 'config') ?? 'banyan.yaml')
    if (existsSync(file)) throw new UsageError(`${file} exists and is left alone; name another file with -c FILE`)
    const name = textOption(args, 'name') ?? 'legacy'
    const day = new Date(systemClock.now()).toISOString().slice(0, 10)
    const ca = await authorityOf(args, { url, file, cwd: io.cwd })
    const first = { name, url, ca, day, found: [], uncovered: [], hosts: [] }
    if (io.terminal) io.err(`looking at ${url} …\n`)
    const survey = await surveyApplication(await lookAt(await specOf(first, file, io)))
    if (survey.kind === 'unreachable') {
      const remedy = /certificate/.test(survey.why)
        ? 'Name its authority, or the certificate itself, with --ca FILE'
        : 'Start the application, or give another URL'
      io.err(`${url} does not answer: ${survey.why}; nothing was written. ${remedy}\n`)
      return 1
    }
    const { found, hosts } = survey
    const uncovered = uncoveredLinks(survey)
    const text = firstYaml({ ...first, found, uncovered, hosts })
    await specOf({ ...first, found, uncovered, hosts }, file, io)
    // `wx`: one that somebody has written meanwhile is left alone too.
    await writeFile(file, text, { flag: 'wx' })
    const shown = relative(io.cwd, file) || file
    io.out(args.values.json === true ? json(shown, survey, uncovered) : report(shown, url, survey, uncovered))
    return 0
  },
}

/** `--ca`, found to hold certificates, as the file will name it. */
async function authorityOf(
  args: VerbArgs,
  { url, file, cwd }: { readonly url: string; readonly file: string; readonly cwd: string },
): Promise<string | undefined> {
  const given = textOption(args, 'ca')
  if (given === undefined) return undefined
  if (!/^https:/i.test(url)) throw new UsageError(`--ca is for an https: address, and --legacy is ${url}`)
  const path = resolve(cwd, given)
  await readAuthorities(path).catch((error: Error) => {
    throw new UsageError(`--ca: ${error.message}`)
  })
  const near = relative(dirname(file), path)
  return near.startsWith('..') ? path : near
}

/** The configuration as the router would understand it; what it would refuse is used wrongly. */
async function specOf(first: FirstConfiguration, file: string, io: CommandIo): Promise<Spec> {
  const { spec, diagnostics } = await loadSpec(file, {
    env: io.env,
    cores: availableParallelism(),
    text: firstYaml(first),
  })
  if (spec === undefined) throw new UsageError(formatDiagnostics(diagnostics.map(asGiven)))
  return spec
}

/** Nobody has seen the file yet: what is wrong with it was given by an option. */
function asGiven({ at: _, path = '', ...said }: Diagnostic): Diagnostic {
  return { ...said, path: path.endsWith('.url') ? '--legacy' : '--name' }
}

async function lookAt(spec: Spec) {
  const [{ name, tier, urls } = { name: '', tier: 'legacy' as const, urls: [] }] = spec.upstreams
  const endpoints = urls.map(({ host, port, path }) => ({ host, port, path }))
  const [upstream] = detectableUpstreams(spec, [{ source: 'static', name, tier, endpoints }])
  if (upstream === undefined) throw new Error('a configuration without its only upstream')
  const clock = systemClock
  const fetch = descriptionFetcher({ version: packageVersion(), clock })
  return { upstream, fetch, clock, signal: new AbortController().signal }
}

type Seen = Extract<Survey, { kind: 'seen' }>

function uncoveredLinks({ found, links }: Seen): readonly string[] {
  const operations = found.flatMap((one) =>
    one.operations.map(({ method, template }) => ({ key: operationKey(method, template), method, template })),
  )
  const asked = links.map(({ method, path }) => ({ method, path, upstream: '', status: 0, count: 0, lastAt: 0 }))
  return uncoveredPaths(asked, operations).map(({ method, path }) => `${method} ${path}`)
}

function json(file: string, { page, found, missing, hosts }: Seen, uncovered: readonly string[]): string {
  const places = found.map(({ detector, place, operations }) => ({ detector, place, operations: operations.length }))
  return `${JSON.stringify({ file, page, found: places, missing, uncovered, hosts }, null, 2)}\n`
}

function report(
  file: string,
  url: string,
  { page, found, missing, hosts }: Seen,
  uncovered: readonly string[],
): string {
  const lines = [
    `${url}: ${page}`,
    ...found.map(
      ({ detector, place, operations }) => `found      ${detector} at ${place}: ${operations.length} operations`,
    ),
    ...missing.map(({ detector, attempts }) => `not found  ${detector}: ${triedText(attempts)}`),
    ...(uncovered.length === 0 ? [] : [`linked     ${uncovered.join(', ')}: in no description`]),
    ...(hosts.length === 0 ? [] : [`hosts      ${hosts.join(', ')}: its own names among them belong under ownHosts`]),
    `wrote ${file}; see it with banyan check, run it with banyan up`,
  ]
  return `${lines.join('\n')}\n`
}

/** `GET /openapi.json 404 in 2 ms, … `: what each place came to, the same outcomes together. */
function triedText(attempts: Seen['missing'][number]['attempts']): string {
  const places = attempts.filter(({ what }) => !what.startsWith('tried '))
  const outcomes = Map.groupBy(places, ({ outcome }) => printable(outcome).replace(/ in \d+ ms/, ''))
  return [...outcomes]
    .map(([outcome, all]) => `${outcome} at ${all.map(({ what }) => what.replace(/^GET /, '')).join(', ')}`)
    .join('; ')
}
