import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { kubernetesSource } from '../../../../router/discovery/sources/kubernetes/index.ts'
import type { Source } from '../../../../router/discovery/sources/source.ts'
import { systemClock } from '../../../../router/kernel/clock.ts'
import { silentLog } from '../../../../router/kernel/log.ts'
import type { SourceObservation } from '../../../../router/model/catalogue.ts'
import { specOf } from '../../config/decoding.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { HTTP, type PodShape, serviceShape, sliceShape } from './shapes.ts'

const SERVICES = '/api/v1/namespaces/clinic/services'
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/clinic/endpointslices'
const WRITTEN = 'upstreams: { vets: { tier: legacy, kubernetes: { service: vets } } }'

let server: ApiServer
let source: Source
let words: SourceObservation[]

beforeEach(async () => {
  server = await startApiServer()
  words = []
})
afterEach(async () => {
  await source.close()
  await server.close()
})

function watch(text: string, remembered?: SourceObservation): void {
  source = kubernetesSource({ env: { KUBECONFIG: server.kubeconfig } }).create({
    spec: specOf(text),
    functions: undefined,
    clock: systemClock,
    random: () => 0,
    log: silentLog,
    remembered,
    publish: (word) => void words.push(word),
  })
}

const word = () => words.at(-1)
const vets = () => word()?.upstreams.find(({ name }) => name === 'vets')
const places = () => vets()?.endpoints.map(({ host, port }) => `${host}:${port}`)
const answered = () => vi.waitFor(() => expect(word()?.sighting?.state).toBe('answered'))
const pods = (...shapes: readonly PodShape[]) => server.emit(SLICES, 'MODIFIED', sliceShape(shapes))
const SERVING = { ready: true, serving: true, terminating: false }

describe('an upstream whose endpoints are those of a Service', () => {
  // A server of version 1.20 has no such conditions, and without a kubelet no Pod ever terminates: these are the
  // shapes that a server of version 1.30 sends when a deployment is rolled.
  it('drains a Pod that terminates, and uses it as long as it is the last that serves', async () => {
    server.set(SERVICES, [serviceShape({ type: 'ClusterIP', ports: HTTP })])
    server.set(SLICES, [sliceShape([{ ip: '10.0.0.1', ...SERVING }])])
    watch(WRITTEN)
    await answered()
    expect(server.asked).toContain(`list ${SLICES} of kubernetes.io/service-name in (vets)`)
    expect(places()).toEqual(['10.0.0.1:3000'])
    await vi.waitFor(() => expect(server.asked).toContain(`watch ${SLICES} from 100`))
    pods({ ip: '10.0.0.1', ...SERVING }, { ip: '10.0.0.2', ready: false, serving: false, terminating: false })
    pods({ ip: '10.0.0.1', ...SERVING }, { ip: '10.0.0.2', ...SERVING })
    await vi.waitFor(() => expect(places()).toEqual(['10.0.0.1:3000', '10.0.0.2:3000']))
    pods({ ip: '10.0.0.1', ready: false, serving: true, terminating: true }, { ip: '10.0.0.2', ...SERVING })
    await vi.waitFor(() => expect(places()).toEqual(['10.0.0.2:3000']))
    pods({ ip: '10.0.0.2', ready: false, serving: true, terminating: true })
    await vi.waitFor(() => expect(vets()?.sighting?.attempts[0]?.outcome).toContain('which serve on'))
    expect(places()).toEqual(['10.0.0.2:3000'])
    pods({ ip: '10.0.0.2', ready: false, serving: false, terminating: true })
    await vi.waitFor(() => expect(places()).toEqual([]))
    expect(vets()?.tier).toBe('legacy')
  })

  it('is what its annotations say, where the YAML says nothing', async () => {
    const annotations = {
      'banyan.port': 'http',
      'banyan.operations': 'GET /vets, GET /vets/{id}',
      'banyan.openapi': '/api.json',
    }
    const ports = [...HTTP, { name: 'admin', protocol: 'TCP', port: 9000 }]
    server.set(SERVICES, [serviceShape({ ports }, annotations)])
    server.set(SLICES, [sliceShape([{ ip: '10.0.0.1' }])])
    watch(WRITTEN)
    await answered()
    expect(vets()).toMatchObject({
      found: 'Service clinic/vets',
      endpoints: [{ host: '10.0.0.1', port: 3000 }],
      declares: ['GET /vets', 'GET /vets/{id}'],
      discover: { openapi: '/api.json' },
    })
  })

  it('goes on with what was known before a restart as long as nobody answers, and says how old it is', async () => {
    server.refuse(503, 'starting')
    const sighting = { state: 'answered', attempts: [], at: 1_000, nextAt: undefined } as const
    const endpoints = [{ host: '10.0.0.7', port: 3000, path: '' }]
    const remembered = {
      source: 'kubernetes',
      at: 1_000,
      upstreams: [{ name: 'vets', tier: 'legacy', endpoints, sighting }],
    } as const
    watch(WRITTEN, remembered)
    expect(places()).toEqual(['10.0.0.7:3000'])
    await vi.waitFor(() => expect(vets()?.sighting?.state).toBe('failed'))
    expect(vets()?.sighting?.at).toBe(1_000)
    expect(places()).toEqual(['10.0.0.7:3000'])
    server.refuse(undefined)
    server.set(SERVICES, [serviceShape({ ports: HTTP })])
    server.set(SLICES, [])
    await answered()
    expect(places()).toEqual([])
  })

  it('says what keeps it from being asked for', async () => {
    watch(`kubernetes: { context: other, upstreams: false }\n${WRITTEN}`)
    await vi.waitFor(() =>
      expect(vets()?.sighting?.attempts.map(({ what, outcome }) => `${what}: ${outcome}`)).toEqual([
        expect.stringMatching(/^read credentials: kubeconfig .* has no context "other"; known: test$/),
      ]),
    )
  })

  it('is asked about no more when the YAML does not name it any more', async () => {
    server.set(SERVICES, [serviceShape({ ports: HTTP })])
    watch(WRITTEN)
    await answered()
    source.update(specOf('upstreams: { other: { url: "http://a" } }'))
    expect(word()?.upstreams).toEqual([])
  })

  it('needs one namespace to answer, not all', async () => {
    server.set(SERVICES, [serviceShape({ ports: HTTP })])
    server.set(SLICES, [sliceShape([{ ip: '10.0.0.1' }])])
    watch(
      'upstreams: { vets: { kubernetes: { service: vets } }, far: { kubernetes: { service: far, namespace: far } } }',
    )
    await vi.waitFor(() => expect(places()).toEqual(['10.0.0.1:3000']))
    expect(server.asked.some((each) => each.startsWith('list /api/v1/namespaces/far/services'))).toBe(true)
  })
})

describe('Services that name their upstream', () => {
  const ALL = '/api/v1/services'
  const named = (name: string, upstream: string) => serviceShape({ ports: HTTP }, { 'banyan.upstream': upstream }, name)

  it('are upstreams, unless somebody has the name', async () => {
    server.set(ALL, [
      named('a', 'pets'),
      named('b', 'pets'),
      named('c', 'vets'),
      named('d', 'bad name'),
      named('vets', 'vets'),
    ])
    watch(`kubernetes: true\n${WRITTEN}`)
    await answered()
    expect(word()?.upstreams.map(({ name, found }) => `${name}: ${found}`)).toEqual([
      'vets: Service clinic/vets',
      'pets: Service clinic/a, by its annotation',
    ])
    expect(word()?.problems?.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: upstream "pets" comes from Service clinic/a and from the annotation of Service clinic/b; the first one is used',
      'warning: upstream "vets" comes from Service clinic/vets and from the annotation of Service clinic/c; the first one is used',
      'warning: Service clinic/d: label banyan.upstream must be letters, digits and . _ - inside, at most 63, got "bad name"; it is left out',
    ])
  })

  it('are looked for in the namespaces that the YAML names, and in no other', async () => {
    watch('kubernetes: { namespaces: [one, two], ingress: true }')
    await answered()
    expect(server.asked.filter((each) => each.startsWith('list')).sort()).toEqual(
      ['one', 'two']
        .flatMap((namespace) => [
          `list /api/v1/namespaces/${namespace}/services`,
          `list /apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
          `list /apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
        ])
        .sort(),
    )
  })

  it('stay upstreams when they are gone, and answer 503, until the YAML looks for none', async () => {
    server.set(ALL, [named('a', 'pets'), named('b', 'owners')])
    watch('kubernetes: true')
    await answered()
    await vi.waitFor(() => expect(server.asked).toContain(`watch ${ALL} from 100`))
    server.emit(ALL, 'DELETED', named('a', 'pets'))
    const pets = () => word()?.upstreams.find(({ name }) => name === 'pets')
    await vi.waitFor(() =>
      expect(pets()).toMatchObject({
        endpoints: [],
        failure: 'Service clinic/a is gone, or has another annotation banyan.upstream',
        sighting: { state: 'answered' },
      }),
    )
    source.update(
      specOf(
        'kubernetes: { upstreams: false }\nupstreams: { vets: { kubernetes: { service: b, namespace: clinic } } }',
      ),
    )
    await vi.waitFor(() => expect(word()?.upstreams.map(({ name }) => name)).toEqual(['vets']))
  })

  it('and Ingress objects of a namespace that cannot be asked stay as they were, those of others do not', async () => {
    const sighting = { state: 'answered', attempts: [], at: 1_000, nextAt: undefined } as const
    const from = (namespace: string) =>
      ({
        upstreams: [
          {
            name: namespace,
            tier: 'service',
            endpoints: [],
            found: `Service ${namespace}/x, by its annotation`,
            sighting,
          },
        ],
        routes: [{ id: `${namespace}/web /`, found: 'Ingress', match: { path: '/**' }, to: namespace, policies: [] }],
      }) as const
    server.forbid('/namespaces/closed/')
    watch('kubernetes: { namespaces: [open, closed], ingress: true }', {
      source: 'kubernetes',
      at: 1_000,
      upstreams: [...from('open').upstreams, ...from('closed').upstreams, ...from('other').upstreams],
      routes: [...from('open').routes, ...from('closed').routes],
    })
    await vi.waitFor(() => expect(word()?.routes?.map(({ id }) => id)).toEqual(['closed/web /']))
    expect(
      word()?.upstreams.map(({ name, failure, sighting: seen }) => [name, failure !== undefined, seen?.state]),
    ).toEqual([
      ['open', true, 'answered'],
      ['closed', false, 'failed'],
    ])
  })
})
