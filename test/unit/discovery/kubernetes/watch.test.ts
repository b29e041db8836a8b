import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../router/discovery/json.ts'
import { accessReader } from '../../../../router/discovery/sources/kubernetes/access.ts'
import { type Api, createApi } from '../../../../router/discovery/sources/kubernetes/api.ts'
import { ENDPOINT_SLICES, type Resource, SERVICES } from '../../../../router/discovery/sources/kubernetes/resources.ts'
import { startWatch, type Watched } from '../../../../router/discovery/sources/kubernetes/watch.ts'
import { manualClock, systemClock } from '../../../../router/kernel/clock.ts'
import { silentLog } from '../../../../router/kernel/log.ts'
import { type ApiServer, nameOf, startApiServer } from './api-server.ts'

const PATH = '/api/v1/namespaces/clinic/services'
const named = (name: string): JsonObject => ({ metadata: { namespace: 'clinic', name } })

let server: ApiServer
let api: Api
let watched: Watched<string>
let clock: ReturnType<typeof manualClock>
let changes: string[]

const known = () => [...watched.objects().values()].sort().join()

function watch(resource: Resource = SERVICES, labelSelector?: string): void {
  const changed = () => void changes.push(known())
  const options = { api, resource, namespace: 'clinic', labelSelector, read: nameOf, changed, log: silentLog }
  watched = startWatch({ ...options, clock, random: () => 0 })
}

beforeEach(async () => {
  server = await startApiServer()
  clock = manualClock(1_000)
  changes = []
  const access = accessReader({ options: { kubeconfig: server.kubeconfig }, env: {}, now: clock.now })
  api = createApi({ access, version: 'test', clock: systemClock })
  server.set(PATH, [named('a'), named('b'), named('c')])
})

afterEach(async () => {
  await watched.close()
  api.close()
  await server.close()
})

const watching = (path = PATH) => vi.waitFor(() => expect(server.asked.at(-1)).toContain(`watch ${path}`))

describe('a watch', () => {
  it('lists in pages, is known when all of them came, and goes on from there', async () => {
    server.page = 2
    watch()
    await watching()
    expect(changes).toEqual(['a,b,c'])
    expect(server.asked).toEqual([`list ${PATH}`, `list ${PATH}`, `watch ${PATH} from 100`])
    server.emit(PATH, 'ADDED', named('d'))
    await vi.waitFor(() => expect(known()).toBe('a,b,c,d'))
    server.emit(PATH, 'DELETED', named('a'))
    await vi.waitFor(() => expect(known()).toBe('b,c,d'))
  })

  it('goes on where it was when the server ends the stream, as far as bookmarks say', async () => {
    watch()
    await watching()
    server.emit(PATH, 'BOOKMARK', {})
    await vi.waitFor(() => expect(watched.standing().confirmedAt).toBe(1_000))
    clock.advance(2_000)
    server.emit(PATH, 'ADDED', named('d'))
    await vi.waitFor(() => expect(known()).toBe('a,b,c,d'))
    server.cut('end')
    await vi.waitFor(() => expect(server.asked.at(-1)).toBe(`watch ${PATH} from 102`))
    expect(server.asked.filter((each) => each.startsWith('list'))).toHaveLength(1)
    expect(watched.standing().problem).toBeUndefined()
  })

  it('does not ask again at once where the server ends streams at once', async () => {
    watch()
    await watching()
    server.cut('end')
    await new Promise((done) => setTimeout(done, 50))
    expect(server.asked).toHaveLength(2)
    await vi.waitFor(() => {
      clock.advance(1_000)
      expect(server.asked).toHaveLength(3)
    })
  })

  it('lists again where it expired, told by a 410 inside a 200, and keeps what it knew until then', async () => {
    watch()
    await watching()
    server.set(PATH, [named('b'), named('e')])
    server.emit(PATH, 'ERROR', {
      kind: 'Status',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version: 100 (101)',
    })
    await vi.waitFor(() => expect(known()).toBe('b,e'))
    expect(changes).toEqual(['a,b,c', 'b,e'])
    expect(watched.standing().problem).toBeUndefined()
  })

  it('that expires again and again is a problem, and is slowed down', async () => {
    watch()
    await watching()
    const expired = { kind: 'Status', code: 410, message: 'too old' }
    server.emit(PATH, 'ERROR', expired)
    await vi.waitFor(() => expect(server.asked).toHaveLength(4))
    server.emit(PATH, 'ERROR', expired)
    await vi.waitFor(() => expect(watched.standing().problem?.message).toBe('too old'))
    expect(server.asked).toHaveLength(4)
  })

  it('that breaks keeps what it knew, says since when, and tries again with growing pauses', async () => {
    watch()
    await watching()
    clock.advance(500)
    server.refuse(503, 'apiserver is shutting down')
    server.cut('destroy')
    await vi.waitFor(() => expect(watched.standing().problem).toMatchObject({ at: 1_500, nextAt: 1_875 }))
    clock.advance(374)
    await new Promise((done) => setTimeout(done, 20))
    expect(watched.standing().problem?.at).toBe(1_500)
    clock.advance(1)
    await vi.waitFor(() => expect(watched.standing().problem).toMatchObject({ at: 1_875, nextAt: 1_875 + 750 }))
    expect(watched.standing().problem?.message).toMatch(
      /answered 503 to context "test" of .*: apiserver is shutting down/,
    )
    expect(watched.standing().confirmedAt).toBe(1_500)
    expect(known()).toBe('a,b,c')
    server.refuse(undefined)
    server.set(PATH, [named('a')])
    clock.advance(750)
    await vi.waitFor(() => expect(known()).toBe('a'))
    expect(watched.standing().problem).toBeUndefined()
  })

  it('that is not allowed says which verb on which resource to grant, and that is seen when it is', async () => {
    server.refuse(
      403,
      'services is forbidden: User "system:serviceaccount:clinic:banyan" cannot list resource "services"',
    )
    watch()
    await vi.waitFor(() => expect(watched.standing().problem?.message).toContain('cannot list resource "services"'))
    const { what, problem, confirmedAt } = watched.standing()
    expect(what).toBe('list services in namespace clinic')
    expect(confirmedAt).toBeUndefined()
    expect(problem?.message).toMatch(
      /; grant verb "list" on resource "services" of apiGroup "" in a Role in namespace clinic, as deploy\/kubernetes\/rbac.yaml does$/,
    )
    server.refuse(undefined)
    clock.advance(375)
    await vi.waitFor(() => expect(known()).toBe('a,b,c'))
  })

  it('of a server that accepts and says nothing is a problem within 15 s', async () => {
    api.close()
    const access = accessReader({ options: { kubeconfig: server.kubeconfig }, env: {}, now: clock.now })
    api = createApi({ access, version: 'test', clock })
    server.mute()
    watch()
    await vi.waitFor(() => expect(server.asked).toContain(`silence ${PATH}`))
    clock.advance(15_000)
    await vi.waitFor(() =>
      expect(watched.standing().problem?.message).toBe('the API server did not answer within 15 s'),
    )
  })

  it('that sends what nobody knows is begun anew', async () => {
    watch()
    await watching()
    server.emit(PATH, 'SURPRISE', {})
    await vi.waitFor(() => expect(watched.standing().problem?.message).toContain('type "SURPRISE", which is not known'))
    clock.advance(375)
    await vi.waitFor(() => expect(server.asked.filter((each) => each.startsWith('list'))).toHaveLength(2))
  })
})

describe('EndpointSlices', () => {
  it.each([
    { served: ['v1', 'v1beta1'], asked: 'v1' },
    { served: ['v1beta1'], asked: 'v1beta1' },
    { served: ['v2', 'v1'], asked: 'v1' },
  ])('are asked for as $asked where $served is served', async ({ served, asked }) => {
    await server.close()
    server = await startApiServer(served)
    const access = accessReader({ options: { kubeconfig: server.kubeconfig }, env: {}, now: clock.now })
    api = createApi({ access, version: 'test', clock: systemClock })
    watch(ENDPOINT_SLICES, 'kubernetes.io/service-name in (vets)')
    await watching(`/apis/discovery.k8s.io/${asked}/namespaces/clinic/endpointslices`)
    expect(server.asked[0]).toBe(
      `list /apis/discovery.k8s.io/${asked}/namespaces/clinic/endpointslices of kubernetes.io/service-name in (vets)`,
    )
  })

  it('in versions that are not understood are a problem that names them', async () => {
    await server.close()
    server = await startApiServer(['v9'])
    const access = accessReader({ options: { kubeconfig: server.kubeconfig }, env: {}, now: clock.now })
    api = createApi({ access, version: 'test', clock: systemClock })
    watch(ENDPOINT_SLICES)
    await vi.waitFor(() =>
      expect(watched.standing().problem?.message).toBe(
        'the API server has endpointslices as discovery.k8s.io/v9; v1 or v1beta1 is needed',
      ),
    )
  })
})
