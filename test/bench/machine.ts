import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../estate.ts'

/** What the bench cannot run without and does not find here; empty where it can. */
export function missingHere(): readonly string[] {
  const system = process.platform === 'linux' ? [] : [`CPU times come from /proc, and this is ${process.platform}`]
  return [...system, ...['nginx', 'wrk'].filter((name) => !hasProgram(name)).map((name) => `${name} is not installed`)]
}

/** Whether a program that the bench can do without is installed. */
export function hasProgram(name: string): boolean {
  return printed(programOf(name), '-v') !== ''
}

/** Where a program is: `BENCH_ENVOY=/opt/envoy` says so for one that is not on the PATH. */
export function programOf(name: string): string {
  return process.env[`BENCH_${name.toUpperCase()}`] ?? name
}

/** The search path for programs. Debian keeps nginx where only root's PATH leads. */
export const PROGRAM_PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(':')

/** What the figures belong to: commit, machine, versions. No date, so that a run that changes nothing changes no file. */
export function provenance(): string {
  const processors = cpus()
  return [
    `commit \`${commit()}\``,
    `${processors[0]?.model.trim() ?? 'unknown processor'}, ${processors.length} cores`,
    `Node ${process.versions.node}`,
    `nginx ${/nginx\/([\d.]+)/.exec(printed('nginx', '-v'))?.[1] ?? 'of unknown version'}`,
    ...optional('HAProxy', 'haproxy', '-v', /version ([\d.]+)/),
    ...optional('Envoy', 'envoy', '--version', /\/([\d.]+)\//),
    ...optional('Traefik', 'traefik', 'version', /Version: +([\d.]+)/),
    `@fastify/http-proxy ${versionOf('@fastify/http-proxy')} on fastify ${versionOf('fastify')}`,
    `http-proxy-3 ${versionOf('http-proxy-3')}`,
    `wrk ${/^wrk (?:debian\/)?([\d.]+)/m.exec(printed('wrk', '-v'))?.[1] ?? 'of unknown version'}`,
  ].join('; ')
}

function optional(title: string, name: string, asks: string, answer: RegExp): readonly string[] {
  if (!hasProgram(name)) return []
  return [`${title} ${answer.exec(printed(programOf(name), asks))?.[1] ?? 'of unknown version'}`]
}

/** The commit of the sources, and whether they differ from it. */
export function commit(): string {
  const hash = printed('git', 'rev-parse', '--short', 'HEAD').trim()
  if (!/^[0-9a-f]+$/.test(hash)) return 'unknown'
  // The pages that figures are written to are no part of what was measured.
  const pages = [':!docs/bench.md', ':!docs/resilience.md']
  const changes = printed('git', 'status', '--porcelain', '--', '.', ...pages)
  return changes.trim() === '' ? hash : `${hash}-dirty`
}

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'))
  return String(version)
}

function printed(program: string, ...args: readonly string[]): string {
  const env = { ...process.env, PATH: PROGRAM_PATH }
  const { stdout, stderr } = spawnSync(program, args, { cwd: ROOT, env, encoding: 'utf8', timeout: 10_000 })
  return `${stdout ?? ''}${stderr ?? ''}`
}
