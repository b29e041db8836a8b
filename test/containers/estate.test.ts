import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Estate, ROOT, startEstate } from '../estate.ts'
import { describeWith } from '../needs.ts'
import { BUILD_TIMEOUT_MS, buildImages, command, removeContainers, runContainer } from './containers.ts'

describeWith('docker', 'the example estate as containers that are found by their labels', (docker) => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-containers-'))
  let estate: Estate
  let vets = ''

  beforeAll(async () => {
    buildImages(docker, 'banyan-vets', 'banyan-owners', 'banyan-counter')
    // The clinic has no image of its own: its bundle runs in that of a service.
    chmodSync(folder, 0o755)
    await build({
      entryPoints: [join(ROOT, 'legacy/clinic/main.ts')],
      outfile: join(folder, 'main.cjs'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      logLevel: 'warning',
    })
    estate = await startEstate({ router: false })
  }, BUILD_TIMEOUT_MS)
  afterAll(async () => {
    await estate?.close()
    removeContainers(docker)
    rmSync(folder, { recursive: true, force: true })
  })

  const labels = (all: Readonly<Record<string, string>>) =>
    Object.entries({ port: '3000', ...all }).flatMap(([key, value]) => ['--label', `banyan.${key}=${value}`])
  const service = (name: string) =>
    runContainer(docker, `banyan-${name}`, ['--no-healthcheck', ...labels({ upstream: name, openapi: 'auto' })])

  function startContainers(): void {
    const clinic = { upstream: 'clinic', tier: 'legacy', mappings: '/manage/mappings' }
    const options = ['--no-healthcheck', '--volume', `${folder}:/clinic:ro`, '--env', 'HOST=0.0.0.0', ...labels(clinic)]
    runContainer(docker, 'banyan-vets', options, ['node', '/clinic/main.cjs'])
    for (const name of ['owners', 'counter']) service(name)
    vets = service('vets')
  }

  /** The catalogue without its evidence: who implements what, and who owns it. */
  async function catalogue() {
    const { stdout } = await estate.banyan('operations', '--json')
    const { operations }: { operations: readonly Operation[] } = JSON.parse(stdout)
    return operations
      .filter(({ owner }) => owner !== null)
      .map(({ method, path, owner, implementers }) => {
        const names = implementers.map(({ upstream }) => upstream).sort()
        return `${method} ${path} ${owner} ${names.join(' ')}`
      })
  }

  it('gives the same catalogue as the estate of processes, with nothing of it in the YAML', async () => {
    await estate.startRouter()
    await expect.poll(catalogue, { timeout: 20_000 }).toHaveLength(OPERATIONS)
    const ofProcesses = await catalogue()
    await estate.stopRouter()

    startContainers()
    const config = join(folder, 'banyan.yaml')
    writeFileSync(config, CONFIGURATION.replaceAll('FOLDER', folder).replace('FUNCTIONS', join(ROOT, 'functions')))
    await estate.startRouter(config)
    await expect.poll(catalogue, { timeout: 20_000 }).toEqual(ofProcesses)
  }, 120_000)

  it('serves what the containers implement, also after one was started again', async () => {
    const ask = async () => {
      const answer = await fetch(`${estate.routerUrl}/api/vets`).catch(() => undefined)
      await answer?.body?.cancel()
      return answer?.status
    }
    await expect.poll(ask, { timeout: 10_000 }).toBe(200)
    command(docker, 'stop', '--time', '1', vets)
    await expect.poll(ask, { timeout: 10_000 }).toBe(503)
    const { stdout } = await estate.banyan('upstreams')
    expect(stdout).toContain(`${vets} is stopped`)
    expect(stdout).toContain('vets: start a container with this label')
    command(docker, 'start', vets)
    await expect.poll(ask, { timeout: 10_000 }).toBe(200)
    expect(await catalogue()).toHaveLength(OPERATIONS)
  }, 60_000)
})

/** Of clinic, services and functions together. */
const OPERATIONS = 23

type Operation = {
  readonly method: string
  readonly path: string
  readonly owner: string | null
  readonly implementers: readonly { readonly upstream: string }[]
}

const CONFIGURATION = `
listen: [{ port: '\${BANYAN_PORT}' }]
admin: { port: '\${BANYAN_ADMIN_PORT}' }
status: { port: '\${BANYAN_STATUS_PORT}' }
state: sqlite:FOLDER/state/state.db
processes: 1
lameDuck: 0s
docker: true
default: clinic
functions: FUNCTIONS
`
