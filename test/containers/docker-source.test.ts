import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { docker as dockerSource } from '../../router/discovery/sources/docker/index.ts'
import type { Source } from '../../router/discovery/sources/source.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import type { SourceObservation } from '../../router/model/catalogue.ts'
import { describeWith } from '../needs.ts'
import { specOf } from '../unit/config/decoding.ts'
import { BUILD_TIMEOUT_MS, buildImages, command, removeContainers, runContainer } from './containers.ts'

const ENGINE = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '')
const RUN = `run${process.pid}`

type Watched = { readonly name?: string; readonly remembered?: SourceObservation | undefined }

describeWith('docker', 'the Docker source', (docker) => {
  const open: Source[] = []
  beforeAll(() => buildImages(docker, 'banyan-vets'), BUILD_TIMEOUT_MS)
  afterEach(async () => {
    await Promise.all(open.splice(0).map((source) => source.close()))
    removeContainers(docker)
  })
  afterAll(() => removeContainers(docker))

  const vets = (...options: readonly string[]) => runContainer(docker, 'banyan-vets', ['--no-healthcheck', ...options])
  const published = (name: string) => Number(command(docker, 'port', name, '3000/tcp').split(':').at(-1))

  /** The source at work, and what it says now. */
  function watching(text: string, { name = 'vets', remembered }: Watched = {}) {
    const words: SourceObservation[] = []
    const source = dockerSource.create({
      spec: specOf(text),
      functions: undefined,
      clock: systemClock,
      random: () => 0,
      log: silentLog,
      remembered,
      publish: (word) => void words.push(word),
    })
    open.push(source)
    const find = () => words.at(-1)?.upstreams.find((one) => one.name === name)
    return {
      source,
      word: () => words.at(-1),
      find,
      addresses: () => find()?.endpoints.map(({ host, port }) => `${host}:${port}`),
      outcome: () => find()?.sighting?.attempts[0]?.outcome,
    }
  }

  const WRITTEN = `upstreams: { vets: { docker: { label: app=${RUN}, port: 3000 } } }`
  const soon = { timeout: 10_000, interval: 20 }
  /** An engine that was away is asked again after a pause, which grows up to half a minute. */
  const afterPause = { timeout: 40_000, interval: 20 }

  it('follows a container that is started, restarted on another port, paused, stopped and removed', async () => {
    const { addresses, outcome, find } = watching(WRITTEN)
    await expect.poll(outcome, soon).toBe('there is none')
    expect(addresses()).toEqual([])
    const name = vets('--label', `app=${RUN}`, '--publish', '127.0.0.1::3000')
    await expect.poll(addresses, soon).toEqual([`127.0.0.1:${published(name)}`])
    const [address = ''] = addresses() ?? []
    await expect.poll(() => healthOf(address), soon).toBe(200)
    expect(find()).toMatchObject({ found: `container ${name}`, revision: expect.stringMatching(/^sha256:/) })

    const before = published(name)
    const holder = createServer().listen(0)
    command(docker, 'restart', '--time', '0', name)
    holder.close()
    await expect.poll(addresses, soon).toEqual([`127.0.0.1:${published(name)}`])
    expect(published(name)).not.toBe(before)

    command(docker, 'pause', name)
    await expect.poll(addresses, soon).toEqual([])
    expect(outcome()).toBe(`${name} is paused`)
    command(docker, 'unpause', name)
    await expect.poll(addresses, soon).toHaveLength(1)

    command(docker, 'stop', '--time', '0', name)
    await expect.poll(outcome, soon).toBe(`${name} is stopped`)
    expect(addresses()).toEqual([])
    command(docker, 'rm', name)
    await expect.poll(outcome, soon).toBe('there is none')
  })

  it("reaches a container that publishes nothing at its network's address", async () => {
    const { addresses } = watching(WRITTEN)
    const name = vets('--label', `app=${RUN}`)
    const address = command(docker, 'inspect', '--format', '{{.NetworkSettings.Networks.bridge.IPAddress}}', name)
    await expect.poll(addresses, soon).toEqual([`${address}:3000`])
    await expect.poll(() => healthOf(`${address}:3000`), soon).toBe(200)
  })

  it('reaches containers in the network that is named, and says which are not in it', async () => {
    const network = `banyan-${RUN}`
    command(docker, 'network', 'create', network)
    try {
      const { addresses, outcome } = watching(`docker: { upstreams: false, network: ${network} }\n${WRITTEN}`)
      const name = vets('--label', `app=${RUN}`, '--publish', '127.0.0.1::3000')
      await expect.poll(outcome, soon).toBe(`${name} is not in the network ${network}`)
      command(docker, 'network', 'connect', network, name)
      const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
      const address = command(docker, 'inspect', '--format', format, name)
      await expect.poll(addresses, soon).toEqual([`${address}:3000`])
    } finally {
      removeContainers(docker)
      command(docker, 'network', 'rm', network)
    }
  })

  it('gives requests only to containers that are healthy, where they have a health check', async () => {
    const { addresses, outcome } = watching(WRITTEN)
    const check = ['--health-interval=500ms', '--health-timeout=5s', '--health-retries=1', '--health-start-period=0s']
    const program = `let status = 200; require('http').createServer((request, response) => {
      if (request.url === '/sick') status = 500
      response.writeHead(status).end() }).listen(3000)`
    const options = ['--label', `app=${RUN}`, '--publish', '127.0.0.1::3000', ...check]
    const name = runContainer(docker, 'banyan-vets', options, ['node', '-e', program])
    await expect.poll(outcome, { ...soon, interval: 2 }).toBe(`${name} has not passed its health check yet`)
    await expect.poll(addresses, soon).toEqual([`127.0.0.1:${published(name)}`])
    await fetch(`http://127.0.0.1:${published(name)}/sick`)
    await expect.poll(outcome, soon).toBe(`${name} is unhealthy`)
    expect(addresses()).toEqual([])
  })

  it('finds upstreams by their labels, which say what they are, and keeps one whose containers are gone', async () => {
    const upstream = `vets-${RUN}`
    const { find, addresses, outcome } = watching('docker: true', { name: upstream })
    const labels = {
      'banyan.upstream': upstream,
      'banyan.port': '3000',
      'banyan.tier': 'legacy',
      'banyan.operations': 'GET /vets.html, GET /api/vets',
      'banyan.openapi': 'http://169.254.169.254/openapi.json',
      'banyan.mappings': '/manage/mappings',
    }
    const name = vets(...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]))
    await expect.poll(addresses, soon).toHaveLength(1)
    expect(find()).toMatchObject({
      tier: 'legacy',
      declares: ['GET /vets.html', 'GET /api/vets'],
      discover: { mappings: '/manage/mappings' },
    })
    expect(find()?.discover).not.toHaveProperty('openapi')
    expect(outcome()).toContain('label banyan.openapi must be auto, off or a path')
    command(docker, 'rm', '--force', name)
    await expect.poll(outcome, soon).toMatch(/^there is none any more; it stays an upstream/)
    expect(find()).toMatchObject({
      endpoints: [],
      tier: 'legacy',
      declares: ['GET /vets.html', 'GET /api/vets'],
    })
  })

  it('takes the only port that a container exposes, and says where there are several', async () => {
    const { addresses, outcome } = watching(`upstreams: { vets: { docker: { label: app=${RUN} } } }`)
    const name = vets('--label', `app=${RUN}`, '--publish', '127.0.0.1::3000')
    await expect.poll(addresses, soon).toEqual([`127.0.0.1:${published(name)}`])
    command(docker, 'rm', '--force', name)
    const other = vets('--label', `app=${RUN}`, '--expose', '9000')
    await expect
      .poll(outcome, soon)
      .toBe(`${other} exposes the ports 3000, 9000; set its label banyan.port, or docker.port of the upstream`)
  })

  it('waits for an engine that is away, and keeps what it knew of one that goes away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-engine-'))
    const path = join(folder, 'docker.sock')
    const text = `docker: { engine: "unix://${path}", upstreams: false }\n${WRITTEN}`
    const { find, addresses, word } = watching(text)
    await expect.poll(() => find()?.sighting?.state, soon).toBe('failed')
    expect(find()?.sighting).toMatchObject({
      at: undefined,
      nextAt: expect.any(Number),
      attempts: [{ what: `unix://${path}`, outcome: expect.stringMatching(/^does not exist; start the engine/) }],
    })
    const name = vets('--label', `app=${RUN}`, '--publish', '127.0.0.1::3000')
    const first = await engineAt(path)
    await expect.poll(addresses, afterPause).toEqual([`127.0.0.1:${published(name)}`])
    expect(word()?.sighting?.state).toBe('answered')
    const known = addresses()

    // Long enough to count as a connection that served.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    first.cut()
    await expect.poll(() => find()?.sighting?.state, soon).toBe('failed')
    expect(addresses()).toEqual(known)
    expect(find()?.sighting?.at).toEqual(expect.any(Number))
    const again = watching(text, { remembered: word() })
    expect(again.addresses()).toEqual(known)

    command(docker, 'restart', '--time', '0', name)
    const second = await engineAt(path)
    await expect.poll(addresses, afterPause).toEqual([`127.0.0.1:${published(name)}`])
    await Promise.all(open.splice(0).map((source) => source.close()))
    second.cut()
    rmSync(folder, { recursive: true })
  })
})

/** Undefined: it does not answer yet. */
async function healthOf(address: string): Promise<number | undefined> {
  const answer = await fetch(`http://${address}/health`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.status
}

/** The engine behind another socket, which can go away with all of its connections. */
async function engineAt(path: string): Promise<{ cut(): void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    const engine = connect(ENGINE)
    for (const one of [socket, engine]) {
      sockets.add(one)
      one.on('error', () => undefined)
    }
    socket.pipe(engine).pipe(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
