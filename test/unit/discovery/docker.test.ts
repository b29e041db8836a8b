import { describe, expect, it } from 'vitest'
import type { Container } from '../../../router/discovery/sources/docker/engine.ts'
import { ownNetworks, placeOf, type Viewpoint } from '../../../router/discovery/sources/docker/places.ts'
import { askedOf, misnamed, upstreamsOf } from '../../../router/discovery/sources/docker/upstreams.ts'
import { problems, specOf } from '../config/decoding.ts'

const HERE: Viewpoint = { host: '127.0.0.1', ownNetworks: [], network: undefined }

function container(part: Partial<Container> = {}): Container {
  return {
    id: 'a'.repeat(64),
    name: 'vets-1',
    image: 'sha256:1',
    created: 1,
    state: 'running',
    status: 'Up 3 minutes',
    labels: { app: 'vets' },
    ports: [{ port: 3000, published: undefined, ip: '' }],
    networks: { bridge: '172.17.0.2' },
    ...part,
  }
}

const PUBLISHED = [
  { port: 3000, published: 32_769, ip: '::' },
  { port: 3000, published: 32_768, ip: '0.0.0.0' },
]

describe('where a container is reached', () => {
  it.each([
    { why: 'at its own address where it publishes nothing', part: {}, from: {}, at: '172.17.0.2:3000' },
    { why: 'at the published port where it has one', part: { ports: PUBLISHED }, from: {}, at: '127.0.0.1:32768' },
    {
      why: "on the engine's machine where that is another",
      part: { ports: PUBLISHED },
      from: { host: '10.0.0.5' },
      at: '10.0.0.5:32768',
    },
    {
      why: 'at the address that the port is published at',
      part: { ports: [{ port: 3000, published: 80, ip: '10.1.1.1' }] },
      from: {},
      at: '10.1.1.1:80',
    },
    {
      why: "in a network that the router's own container is in",
      part: { ports: PUBLISHED, networks: { bridge: '172.17.0.2', shop: '172.20.0.7' } },
      from: { ownNetworks: ['other', 'shop'] },
      at: '172.20.0.7:3000',
    },
    {
      why: 'in the network that the file names, before all others',
      part: { ports: PUBLISHED, networks: { bridge: '172.17.0.2', shop: '172.20.0.7' } },
      from: { network: 'bridge', ownNetworks: ['shop'] },
      at: '172.17.0.2:3000',
    },
    {
      why: "at the machine's where it has no network of its own",
      part: { networks: { host: '' } },
      from: {},
      at: '127.0.0.1:3000',
    },
  ])('$why', ({ part, from, at }) => {
    const place = placeOf(container(part), 3000, { ...HERE, ...from })
    expect('endpoint' in place && `${place.endpoint.host}:${place.endpoint.port}`).toBe(at)
  })

  it.each([
    { part: { state: 'exited' }, says: 'is stopped' },
    { part: { state: 'paused', status: 'Up 1 minute (Paused)' }, says: 'is paused' },
    { part: { state: 'restarting' }, says: 'is restarting' },
    { part: { status: 'Up 2 seconds (health: starting)' }, says: 'has not passed its health check yet' },
    { part: { status: 'Up 2 minutes (unhealthy)' }, says: 'is unhealthy' },
    { part: { networks: {} }, says: 'publishes no port 3000 and has no address of its own' },
    { part: {}, from: { host: '10.0.0.5' }, says: 'does not publish port 3000' },
    { part: {}, from: { network: 'shop' }, says: 'is not in the network shop' },
  ])('nowhere, because it $says', ({ part, from = {}, says }) => {
    expect(placeOf(container(part), 3000, { ...HERE, ...from })).toEqual({ why: says })
  })

  it("knows the networks of the router's own container by the host's name", () => {
    const own = container({ id: `0123456789ab${'0'.repeat(52)}`, networks: { shop: '', alpha: '' } })
    expect(ownNetworks([container(), own], '0123456789ab')).toEqual(['alpha', 'shop'])
    expect(ownNetworks([container(), own], 'laptop')).toEqual([])
  })
})

describe('upstreams of a list of containers', () => {
  const SIGHTING = { state: 'answered', attempts: [], at: 7, nextAt: undefined } as const
  const upstreams = (yaml: string, ...containers: readonly Container[]) => {
    const asked = askedOf(specOf(yaml))
    return asked === undefined ? undefined : upstreamsOf(containers, asked, HERE, SIGHTING)
  }

  it('selects by a label with its value or without, and tells of each container where it is or why not', () => {
    const yaml = 'upstreams: { vets: { docker: { label: app=vets, port: 3000 } }, any: { docker: { label: app } } }'
    const found = upstreams(
      yaml,
      container({ name: 'b', networks: { bridge: '172.17.0.3' } }),
      container({ name: 'a', state: 'exited' }),
      container({ name: 'c', labels: { app: 'owners' } }),
      container({ name: 'd', labels: {} }),
    )
    expect(found?.map(({ name, endpoints }) => [name, endpoints.length])).toEqual([
      ['any', 2],
      ['vets', 1],
    ])
    expect(found?.[1]).toMatchObject({
      found: 'containers a, b',
      revision: 'sha256:1',
      sighting: {
        attempts: [
          { what: 'containers with the label app=vets', outcome: 'a is stopped; b at 172.17.0.3:3000', at: 7 },
        ],
      },
    })
  })

  it('lets the newest container say what all of them are', () => {
    const labels = { 'banyan.upstream': 'vets' }
    const found = upstreams(
      'docker: true',
      container({ created: 2, labels: { ...labels, 'banyan.operations': 'GET /new' } }),
      container({ created: 1, labels: { ...labels, 'banyan.operations': 'GET /old', 'banyan.tier': 'legacy' } }),
    )
    expect(found).toMatchObject([{ name: 'vets', tier: 'service', declares: ['GET /new'] }])
  })

  it('finds nothing by labels where that is off, and asks nobody where nothing concerns containers', () => {
    const labelled = container({ labels: { 'banyan.upstream': 'vets' } })
    expect(
      upstreams('docker: { upstreams: false }\nupstreams: { a: { docker: { label: x } } }', labelled),
    ).toMatchObject([{ name: 'a' }])
    expect(upstreams('docker: false', labelled)).toBeUndefined()
    expect(upstreams('upstreams: { a: { url: "http://a" } }', labelled)).toBeUndefined()
  })

  it('warns of a container whose name for its upstream is none', () => {
    const containers = [container({ name: 'vets-1', labels: { 'banyan.upstream': 'my vets' } }), container({})]
    const asked = { settings: { upstreams: true }, written: [] }
    expect(misnamed(containers, asked).map(({ message }) => message)).toEqual([
      'container vets-1: label banyan.upstream must be letters, digits and . _ - inside, at most 63, got "my vets"; it is left out',
    ])
    expect(misnamed(containers, { ...asked, settings: { upstreams: false } })).toEqual([])
  })

  it('survives labels and names that are properties of every object', () => {
    const labels = JSON.parse('{ "__proto__": "x", "constructor": "y", "banyan.upstream": "constructor" }')
    const found = upstreams('docker: true\nupstreams: { a: { docker: { label: toString } } }', container({ labels }))
    expect(found?.map(({ name, endpoints }) => [name, endpoints.length])).toEqual([['a', 0]])
  })
})

describe('docker: in the file', () => {
  it.each([
    ['docker: yes', '1:9 docker  must be true, false, or a map with engine, network, upstreams, got "yes"'],
    ['docker: { engine: "http://x" }', 'docker.engine  must be unix:///PATH or tcp://HOST:PORT, got "http://x"'],
    ['upstreams: { a: { docker: { port: 80 } } }', 'upstreams.a.docker.label  is missing'],
    ['upstreams: { a: { url: "http://a", docker: { label: b } } }', 'url and docker exclude each other'],
    ['upstreams: { a: { dns: "clinic" } }', 'upstreams.a.dns  must be NAME:PORT such as clinic.internal:8080'],
    ['upstreams: { a: { dns: "10.0.0.1:80" } }', 'an address is not looked up | write url: instead'],
    ['upstreams: { a: { dns: "_http._tcp.clinic.internal:80" } }', 'SRV records have ports of their own'],
  ])('%s: says what is wrong', (text, says) => {
    expect(problems(text).join('\n')).toContain(says)
  })

  it('makes names that nobody wrote a matter of the world, and warns where one is nearly another', () => {
    const routes = 'routes: [{ path: /a, to: found }, { path: /b, to: vetz }]'
    const text = `docker: true\nupstreams: { vets: { url: "http://a" } }\n${routes}\n`
    expect(problems(text)).toEqual([
      '3:51 routes[1].to  warning: upstream "vetz" is not written here; it answers 503 unless docker finds it | did you mean "vets"?',
    ])
    expect(specOf(text).routes).toHaveLength(2)
  })
})
