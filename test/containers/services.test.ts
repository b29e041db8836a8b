import type { StartedTestContainer } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../needs.ts'
import { type RunningRedis, startRedis } from '../redis.ts'
import {
  answers,
  ask,
  BUILD_TIMEOUT_MS,
  buildImages,
  container,
  gatewayOf,
  removeContainers,
  settingsOf,
  stopped,
  userOf,
} from './containers.ts'

const PORT = 3000

describeWith('docker', "the services' images", (docker) => {
  beforeAll(() => buildImages(docker, 'banyan-vets', 'banyan-owners', 'banyan-counter'), BUILD_TIMEOUT_MS)
  afterAll(() => removeContainers(docker))

  describe.each([
    { service: 'vets', path: '/vets.html', says: 'Veterinarians' },
    { service: 'owners', path: '/owners/1', says: 'George Franklin' },
    { service: 'counter', path: '/counter', says: 'memory counter value=1' },
  ])('of $service', ({ service, path, says }) => {
    let started: StartedTestContainer
    beforeAll(async () => {
      started = await start(service)
    })

    it('answers its health path and serves', async () => {
      expect(await ask(started, PORT, '/health')).toEqual({ status: 200, body: '{"status":"UP"}' })
      const page = await ask(started, PORT, path)
      expect(page.status).toBe(200)
      expect(page.body).toContain(says)
    })

    it('runs as a user that is not root', async () => {
      expect(await userOf(started)).toBe('1000')
      expect(settingsOf(docker, started).User).toBe('1000:1000')
    })

    it('has a health check that passes here and fails where nothing listens', async () => {
      const [kind, ...command] = settingsOf(docker, started).Healthcheck.Test
      expect(kind).toBe('CMD')
      expect((await started.exec(command)).exitCode).toBe(0)
      expect((await started.exec(command, { env: { PORT: '9' } })).exitCode).toBe(1)
    })

    it('ends cleanly when it is asked to', () => {
      expect(stopped(docker, started)).toBe('exited 0')
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
      expect((await ask(v1, PORT, '/counter')).body).toBe('[pod-a] Redis counter value=1\n')
      expect((await ask(v2, PORT, '/counter')).body).toBe('Hello, visitor 2!\n[pod-b] Redis counter value=2\n')
      expect((await ask(v1, PORT, '/counter')).body).toBe('[pod-a] Redis counter value=3\n')
    })

    it('stays healthy and says that it is not ready when Redis is away', async () => {
      const started = await start('counter', { REDIS_URL: redis.url })
      expect((await ask(started, PORT, '/ready')).status).toBe(200)
      await redis.stop()
      expect((await ask(started, PORT, '/ready')).status).toBe(503)
      expect((await ask(started, PORT, '/health')).status).toBe(200)
    })
  })
})

function start(service: string, environment: Record<string, string> = {}): Promise<StartedTestContainer> {
  return container(`banyan-${service}`)
    .withEnvironment(environment)
    .withExposedPorts(PORT)
    .withWaitStrategy(answers('/health', PORT))
    .start()
}
