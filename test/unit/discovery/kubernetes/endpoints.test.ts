import { describe, expect, it } from 'vitest'
import { endpointsOf } from '../../../../router/discovery/sources/kubernetes/endpoints.ts'
import { readSlice } from '../../../../router/discovery/sources/kubernetes/objects.ts'
import { HTTP, service, slice, sliceShape } from './shapes.ts'

const places = (found: ReturnType<typeof endpointsOf>) =>
  found.kind === 'found' ? found.endpoints.map(({ host, port }) => `${host}:${port}`) : found.why

describe('the endpoints of a Service', () => {
  it.each([
    {
      fact: 'are its ready Pods',
      pods: [
        { ip: '10.0.0.2', ready: true },
        { ip: '10.0.0.1', ready: true },
      ],
      used: ['10.0.0.1:3000', '10.0.0.2:3000'],
      outcome: '2 of 2 Pods ready',
    },
    {
      fact: 'are not those that are not ready',
      pods: [
        { ip: '10.0.0.1', ready: true },
        { ip: '10.0.0.2', ready: false },
      ],
      used: ['10.0.0.1:3000'],
      outcome: '1 of 2 Pods ready',
    },
    {
      fact: 'are ready where nothing is said of it',
      pods: [{ ip: '10.0.0.1' }],
      used: ['10.0.0.1:3000'],
      outcome: '1 of 1 Pods ready',
    },
    {
      fact: 'lose one that terminates, even while it serves',
      pods: [
        { ip: '10.0.0.1', ready: true, serving: true, terminating: false },
        { ip: '10.0.0.2', ready: false, serving: true, terminating: true },
      ],
      used: ['10.0.0.1:3000'],
      outcome: '1 of 2 Pods ready; 1 terminating',
    },
    {
      fact: 'lose one that terminates although it is published before it is ready',
      pods: [
        { ip: '10.0.0.1', ready: true, serving: true, terminating: true },
        { ip: '10.0.0.2', ready: true, serving: true, terminating: false },
      ],
      used: ['10.0.0.2:3000'],
      outcome: '1 of 2 Pods ready; 1 terminating',
    },
    {
      fact: 'are those that terminate and serve, where no other is left',
      pods: [
        { ip: '10.0.0.1', ready: false, serving: true, terminating: true },
        { ip: '10.0.0.2', ready: false, serving: false, terminating: true },
      ],
      used: ['10.0.0.1:3000'],
      outcome: '0 of 2 Pods ready; 2 terminating, which serve on because no other is ready',
    },
    { fact: 'may be none', pods: [], used: [], outcome: '0 of 0 Pods ready' },
  ])('$fact', ({ pods, used, outcome }) => {
    const found = endpointsOf(service(), [slice(pods)], 'http')
    expect(places(found)).toEqual(used)
    expect(found).toMatchObject({ outcome })
  })

  it('count once where a Pod is in two slices, ready where one of them says so', () => {
    const slices = [slice([{ ip: '10.0.0.1', ready: false }]), slice([{ ip: '10.0.0.1', ready: true }])]
    expect(places(endpointsOf(service(), slices, 'http'))).toEqual(['10.0.0.1:3000'])
  })

  it('are at the port that each slice says', () => {
    const other = { ports: [{ name: 'http', port: 3001, protocol: 'TCP' }] }
    const slices = [slice([{ ip: '10.0.0.1' }]), slice([{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], other)]
    expect(places(endpointsOf(service(), slices, 80))).toEqual(['10.0.0.1:3000', '10.0.0.1:3001', '10.0.0.2:3001'])
  })

  it.each([
    { families: ['IPv6', 'IPv4'], used: ['fd00::1:3000'] },
    { families: ['IPv4', 'IPv6'], used: ['10.0.0.1:3000'] },
    { families: [], used: ['10.0.0.1:3000'] },
  ])('are of the first family of $families alone, where Pods have addresses of both', ({ families, used }) => {
    const slices = [slice([{ ip: '10.0.0.1' }]), slice([{ ip: 'fd00::1' }], { addressType: 'IPv6' })]
    const both = service({ type: 'ClusterIP', ports: HTTP, ipFamilies: families })
    expect(places(endpointsOf(both, slices, 'http'))).toEqual(used)
  })

  it('are never where a cloud machine keeps its credentials', () => {
    const slices = [slice([{ ip: '169.254.169.254' }, { ip: '10.0.0.1' }])]
    expect(places(endpointsOf(service(), slices, 'http'))).toEqual(['10.0.0.1:3000'])
  })

  it('are found at a number where a headless Service has no ports', () => {
    const headless = service({ type: 'ClusterIP', clusterIP: 'None' })
    const slices = [slice([{ ip: '10.0.0.1' }], { ports: [] })]
    expect(places(endpointsOf(headless, slices, 3000))).toEqual(['10.0.0.1:3000'])
    expect(places(endpointsOf(headless, slices, 'http'))).toBe(
      'Service clinic/vets has no TCP port; write port: NUMBER',
    )
  })
})

const TWO = [...HTTP, { name: 'admin', protocol: 'TCP', port: 9000, targetPort: 9000 }]

describe('the port of a Service', () => {
  it.each([
    { wanted: 'http', ports: TWO, expected: ['10.0.0.1:3000'] },
    { wanted: 80, ports: TWO, expected: ['10.0.0.1:3000'] },
    { wanted: '80', ports: TWO, expected: ['10.0.0.1:3000'] },
    { wanted: undefined, ports: HTTP, expected: ['10.0.0.1:3000'] },
    {
      wanted: undefined,
      ports: TWO,
      expected: 'Service clinic/vets has several ports: http (80), admin (9000); write port: with one of them',
    },
    { wanted: 'https', ports: TWO, expected: 'Service clinic/vets has no port https; it has http (80), admin (9000)' },
    { wanted: 3000, ports: HTTP, expected: 'Service clinic/vets has no port 3000; it has http (80)' },
    {
      wanted: 53,
      ports: [{ name: 'dns', protocol: 'UDP', port: 53 }, ...HTTP],
      expected: 'Service clinic/vets has no port 53; it has http (80)',
    },
  ])('$wanted of $ports', ({ wanted, ports, expected }) => {
    const found = endpointsOf(service({ type: 'ClusterIP', ports }), [slice([{ ip: '10.0.0.1' }])], wanted)
    expect(places(found)).toEqual(expected)
  })

  it('is none of an ExternalName, which has no Pods', () => {
    const external = service({ type: 'ExternalName', externalName: 'vets.example.com', ports: HTTP })
    expect(places(endpointsOf(external, [], 80))).toBe(
      'Service clinic/vets is an ExternalName for vets.example.com and has no Pods; write url: http://vets.example.com:PORT instead',
    )
  })
})

describe('a slice', () => {
  it('of no Service is left out', () => {
    expect(readSlice({ ...sliceShape([]), metadata: { namespace: 'clinic', name: 'mine' } })).toBeUndefined()
  })

  it('of version v1beta1 reads alike', () => {
    const beta = {
      ...sliceShape([]),
      endpoints: [
        { addresses: ['10.0.0.1'], conditions: { ready: true }, topology: { 'kubernetes.io/hostname': 'n1' } },
      ],
    }
    expect(readSlice(beta)?.endpoints).toEqual([
      { address: '10.0.0.1', ready: true, serving: false, terminating: false },
    ])
  })
})
