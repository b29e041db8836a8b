import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { GenericContainer, type StartedTestContainer, Wait, type WaitStrategy } from 'testcontainers'

const REPOSITORY = join(import.meta.dirname, '../..')

// Made once for each version of the runtime.
const BASE = `banyan-base:${process.versions.node}`

// testcontainers' own cleaner is an image from a registry; what is started here carries a label and is removed by it.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
const LABEL = 'banyan.test'
const RUN = String(process.pid)

/** Long enough to make the base and the images on a busy machine. */
export const BUILD_TIMEOUT_MS = 180_000

/** Builds images with the tag `test`, on a base made here: no registry is needed. */
export function buildImages(docker: string, ...names: readonly string[]): void {
  if (run(docker, ['images', '--quiet', BASE]) === '') run('bash', ['deploy/base-image.sh', BASE])
  run(process.execPath, ['deploy/images.ts', ...names], { BASE, TAG: 'test' })
}

/** A container of an image that was built here; `removeContainers` removes it. */
export function container(image: string): GenericContainer {
  return new GenericContainer(`${image}:test`).withLabels({ [LABEL]: RUN })
}

/** Runs an image that was built here in the background, with these options of `docker run`; gives its name. */
export function runContainer(
  docker: string,
  image: string,
  options: readonly string[] = [],
  command: readonly string[] = [],
): string {
  const id = run(docker, ['run', '--detach', '--label', `${LABEL}=${RUN}`, ...options, `${image}:test`, ...command])
  return run(docker, ['inspect', '--format', '{{.Name}}', id]).replace('/', '')
}

/** Runs the docker command, such as `stop NAME`; gives what it prints. */
export function command(docker: string, ...options: readonly string[]): string {
  return run(docker, options)
}

/** Until a path of a published port answers 200. */
export function answers(path: string, port: number): WaitStrategy {
  // What is called a read timeout is also how long it waits before it asks again.
  return Wait.forHttp(path, port).withReadTimeout(100)
}

/** Removes every container that this process made, running or not. */
export function removeContainers(docker: string): void {
  const ids = run(docker, ['ps', '--all', '--quiet', '--filter', `label=${LABEL}=${RUN}`])
  if (ids !== '') run(docker, ['rm', '--force', '--volumes', ...ids.split('\n')])
}

/** Asks a published port of a container. */
export async function ask(
  started: StartedTestContainer,
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://${started.getHost()}:${started.getMappedPort(port)}${path}`)
  return { status: response.status, body: await response.text() }
}

/** The user that the container's first process runs as. */
export async function userOf(started: StartedTestContainer): Promise<string> {
  const { output } = await started.exec(['node', '-p', "fs.statSync('/proc/1').uid"])
  return output.trim()
}

type ImageSettings = { readonly User: string; readonly Healthcheck: { readonly Test: readonly string[] } }

/** What the image says of user and health check. */
export function settingsOf(docker: string, started: StartedTestContainer): ImageSettings {
  const settings: ImageSettings = JSON.parse(run(docker, ['inspect', '--format', '{{json .Config}}', started.getId()]))
  return settings
}

/** Asks a container to end, waits for it, and says how it did: `exited 0`. */
export function stopped(docker: string, started: StartedTestContainer): string {
  run(docker, ['stop', '--time', '8', started.getId()])
  return run(docker, ['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', started.getId()])
}

/** This machine's own address as containers see it. */
export function gatewayOf(docker: string): string {
  return run(docker, ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'])
}

function run(program: string, options: readonly string[], environment: Record<string, string> = {}): string {
  const env = { ...process.env, ...environment }
  return execFileSync(program, options, { cwd: REPOSITORY, env, encoding: 'utf8', stdio: 'pipe' }).trim()
}
