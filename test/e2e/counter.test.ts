import { afterEach, expect, it, vi } from 'vitest'
import { startCounter } from '../../services/counter/server.ts'
import { describeWith } from '../needs.ts'
import { freePort, startRedis } from '../redis.ts'
import { visit } from '../visitor.ts'

const open: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

describeWith('redis', 'the counter with a real Redis', (program) => {
  const redis = async (port?: number) => {
    const started = await startRedis(program, port)
    open.push(started.stop)
    return started
  }
  const pod = async (name: string, redisUrl: string) => {
    const service = await startCounter({ port: 0, pod: name, redisUrl })
    open.push(service.close)
    return visit(service.url)
  }

  it('counts over all pods', async () => {
    const { url } = await redis()
    const [one, two] = [await pod('counter-1', url), await pod('counter-2', url)]
    expect((await one.get('/counter')).body).toBe('[counter-1] Redis counter value=1\n')
    expect((await two.get('/counter')).body).toBe('[counter-2] Redis counter value=2\n')
    expect((await one.get('/counter')).body).toBe('[counter-1] Redis counter value=3\n')
    expect((await one.get('/ready')).status).toBe(200)
  })

  it('answers 503 at once while Redis is away, and counts again when it is back', async () => {
    const first = await startRedis(program)
    const counter = await pod('counter-1', first.url)
    expect((await counter.get('/counter')).status).toBe(200)

    await first.stop()
    const asked = performance.now()
    expect((await counter.get('/counter')).status).toBe(503)
    expect(performance.now() - asked).toBeLessThan(1_000)
    expect((await counter.get('/ready')).status).toBe(503)
    expect((await counter.get('/health')).status).toBe(200)

    await redis(first.port)
    await vi.waitFor(async () => expect((await counter.get('/ready')).status).toBe(200), { timeout: 5_000 })
    expect((await counter.get('/counter')).body).toBe('[counter-1] Redis counter value=1\n')
  })

  it('starts while Redis is away, not ready until it is there', async () => {
    const port = await freePort()
    const counter = await pod('counter-1', `redis://127.0.0.1:${port}`)
    expect((await counter.get('/ready')).status).toBe(503)
    await redis(port)
    await vi.waitFor(async () => expect((await counter.get('/ready')).status).toBe(200), { timeout: 5_000 })
  })
})
