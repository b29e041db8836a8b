import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../needs.ts'
import { type RunningRedis, startRedis } from '../redis.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
// Made once for each version of the runtime.
const BASE = `banyan-base:${process.versions.node}`
const LABEL = `banyan.test=${process.pid}`
const BUILD_TIMEOUT_MS = 120_000

// testcontainers' own cleaner is an image from a registry; what is started here carries a label and is removed by it.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'

describeWith('docker', 'the container images', (docker) => {
  beforeAll(() => {
    if (run(docker, ['images', '--quiet', BASE]) === '') run('bash', ['deploy/base-image.sh', BASE])
    run(process.execPath, ['deploy/images.ts', 'banyan-vets', 'banyan-owners', 'banyan-counter'], { BASE, TAG: 'test' })
  }, BUILD_TIMEOUT_MS)

  afterAll(() => {
    const left = run(docker, ['ps', '--all', '--quiet', '--filter', `label=${LABEL}`])
      .split('\n')
      .filter(Boolean)
    if (left.length > 0) run(docker, ['rm', '--force', ...left])
  })

  describe.each([
    { service: 'vets', path: '/vets.html', says: 'Veterinarians' },
    { service: 'owners', path: '/owners/1', says: 'George Franklin' },
    { service: 'counter', path: '/counter', says: 'memory counter value=1' },
  ])('of $service', ({ service, path, says }) => {
    let container: StartedTestContainer
    beforeAll(async () => {
      container = await start(service)
    })

    it('answers its health path and serves', async () => {
      expect(await ask(container, '/health')).toEqual({ status: 200, body: '{"status":"UP"}' })
      const page = await ask(container, path)
      expect(page.status).toBe(200)
      expect(page.body).toContain(says)
    })

    it('runs as a user that is not root', async () => {
      expect(await script(container, "fs.statSync('/proc/1').uid")).toBe('1000')
      expect(inspect(docker, container).User).toBe('1000:1000')
    })

    it('has a health check that passes here and fails where nothing listens', async () => {
      const [kind, ...command] = inspect(docker, container).Healthcheck.Test
      expect(kind).toBe('CMD')
      expect((await container.exec(command)).exitCode).toBe(0)
      expect((await container.exec(command, { env: { PORT: '9' } })).exitCode).toBe(1)
    })

    it('ends cleanly when it is asked to', () => {
      run(docker, ['stop', '--time', '8', container.getId()])
      const format = '{{.State.Status}} {{.State.ExitCode}}'
      expect(run(docker, ['inspect', '--format', format, container.getId()])).toBe('exited 0')
    })
  })

  describeWith('redis', 'the counter with Redis', (program) => {
    let redis: RunningRedis
    beforeAll(async () => {
      redis = await startRedis(program, undefined, gatewayOf(docker))
    })
    afterAll(() => redis.stop())

    it('counts for all its pods together, v1 and v2', async () => {
      const environment = { REDIS_URL: redis.url }
      const [v1, v2] = await Promise.all([
        start('counter', { ...environment, POD_NAME: 'pod-a' }),
        start('counter', { ...environment, POD_NAME: 'pod-b', VERSION: 'v2' }),
      ])
      expect(await ask(v1, '/counter')).toEqual({ status: 200, body: '[pod-a] Redis counter value=1\n' })
      expect(await ask(v2, '/counter')).toEqual({
        status: 200,
        body: 'Hello, visitor 2!\n[pod-b] Redis counter value=2\n',
      })
      expect(await ask(v1, '/counter')).toEqual({ status: 200, body: '[pod-a] Redis counter value=3\n' })
    })

    it('stays healthy and says that it is not ready when Redis is away', async () => {
      const container = await start('counter', { REDIS_URL: redis.url })
      expect((await ask(container, '/ready')).status).toBe(200)
      await redis.stop()
      expect((await ask(container, '/ready')).status).toBe(503)
      expect((await ask(container, '/health')).status).toBe(200)
    })
  })
})

function start(service: string, environment: Record<string, string> = {}): Promise<StartedTestContainer> {
  const [name = '', value = ''] = LABEL.split('=')
  return new GenericContainer(`banyan-${service}:test`)
    .withEnvironment(environment)
    .withLabels({ [name]: value })
    .withExposedPorts(3000)
    .withWaitStrategy(Wait.forHttp('/health', 3000))
    .start()
}

async function ask(container: StartedTestContainer, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://${container.getHost()}:${container.getMappedPort(3000)}${path}`)
  return { status: response.status, body: await response.text() }
}

async function script(container: StartedTestContainer, expression: string): Promise<string> {
  const { output } = await container.exec(['node', '-p', expression])
  return output.trim()
}

type ImageSettings = { readonly User: string; readonly Healthcheck: { readonly Test: readonly string[] } }

function inspect(docker: string, container: StartedTestContainer): ImageSettings {
  const settings: ImageSettings = JSON.parse(
    run(docker, ['inspect', '--format', '{{json .Config}}', container.getId()]),
  )
  return settings
}

/** The machine's own address as containers see it. */
function gatewayOf(docker: string): string {
  return run(docker, ['network', 'inspect', 'bridge', '--format', '{{(index .IPAM.Config 0).Gateway}}'])
}

function run(program: string, options: readonly string[], environment: Record<string, string> = {}): string {
  return execFileSync(program, options, {
    cwd: REPOSITORY,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}
