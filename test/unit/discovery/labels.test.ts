import { describe, expect, it } from 'vitest'
import type { DetectableUpstream } from '../../../router/discovery/detectors/detector.ts'
import { DETECTORS } from '../../../router/discovery/detectors/index.ts'
import { readLabels } from '../../../router/discovery/sources/labels.ts'
import { manualClock } from '../../../router/kernel/clock.ts'

/** An upstream as detectors see it where these labels are all that is said of it. */
function labelled(labels: Readonly<Record<string, string>>): DetectableUpstream {
  const { declares, discover = {} } = readLabels(labels)
  const endpoints = [{ host: '172.17.0.2', port: 3000, path: '' }]
  return { name: 'vets', endpoints, discover, ownHosts: [], declares, failure: undefined }
}

describe('what labels say to detectors', () => {
  it.each([
    { label: 'banyan.openapi', value: 'auto', detector: 'openapi' },
    { label: 'banyan.mappings', value: '/manage/mappings', detector: 'mappings' },
    { label: 'banyan.grpc', value: 'true', detector: 'grpc' },
    { label: 'banyan.wsdl', value: '/services/vets?wsdl', detector: 'wsdl' },
    { label: 'banyan.operations', value: 'GET /vets', detector: 'declared' },
  ])('$label: $value asks $detector and nobody else', ({ label, value, detector }) => {
    const upstream = labelled({ [label]: value })
    expect(DETECTORS.filter((one) => one.applies(upstream)).map(({ kind }) => kind)).toEqual([detector])
  })

  it.each([
    {
      label: 'banyan.grpc',
      value: 'yes',
      problem: 'label banyan.grpc must be true or false, got "yes"; it is left out',
    },
    {
      label: 'banyan.wsdl',
      value: 'http://elsewhere.test/a?wsdl',
      problem:
        'label banyan.wsdl must be a path such as /services/vets?wsdl, got "http://elsewhere.test/a?wsdl"; it is left out',
    },
    {
      label: 'banyan.upstream',
      value: 'constructor',
      problem:
        'label banyan.upstream must be letters, digits and . _ - inside, at most 63, got "constructor"; it is left out',
    },
    {
      label: 'banyan.tier',
      value: 'old\u001b[2J',
      problem: 'label banyan.tier must be one of legacy, service, function, got "old [2J"; it is left out',
    },
  ])('$label: $value is left out, and said', ({ label, value, problem }) => {
    expect(readLabels({ [label]: value })).toEqual({ problems: [problem] })
    expect(readLabels({ 'banyan.grpc': 'false' })).toEqual({ problems: [] })
  })

  it('are operations as they stand, and what is none is named', async () => {
    const upstream = labelled({ 'banyan.operations': 'GET /vets, GET /vets/{id}\npost /vets, vets.html' })
    const declared = DETECTORS.find(({ kind }) => kind === 'declared')
    const finding = await declared?.detect({
      upstream,
      fetch: () => Promise.reject(new Error('nobody is asked')),
      clock: manualClock(),
      signal: new AbortController().signal,
      memory: undefined,
    })
    expect(finding).toMatchObject({
      operations: [
        { method: 'GET', template: '/vets' },
        { method: 'GET', template: '/vets/{id}' },
        { method: 'POST', template: '/vets' },
      ],
      attempts: [{ outcome: '3 operations; "vets.html" not understood: expected METHOD /path' }],
    })
  })
})
