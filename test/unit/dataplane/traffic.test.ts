import { describe, expect, it } from 'vitest'
import { ownMetrics } from '../../../router/dataplane/own-metrics.ts'
import { createTraffic } from '../../../router/dataplane/traffic.ts'

const request = (rule: string, count: number) => ({ rule, upstream: 'clinic', outcome: '2xx', count })
const unclaimed = (path: string) => ({ method: 'GET', path, upstream: 'clinic', status: 404, count: 1 })

describe('what a process has counted', () => {
  it('is handed out once, and summed for as long as nobody takes it', () => {
    const traffic = createTraffic()
    traffic.collect({ requests: [request('a', 2), request('b', 1)], unclaimed: [unclaimed('/x')] })
    traffic.collect({ requests: [request('a', 3)], unclaimed: [unclaimed('/x')] })
    expect(traffic.takeUnsent()).toEqual({
      requests: [request('a', 5), request('b', 1)],
      unclaimed: [{ ...unclaimed('/x'), count: 2 }],
    })
    expect(traffic.takeUnsent()).toEqual({ requests: [], unclaimed: [] })
    traffic.collect({ requests: [request('a', 1)], unclaimed: [] })
    expect(traffic.totals()).toEqual([request('a', 6), request('b', 1)])
  })

  it('keeps at most a thousand paths that clients made up', () => {
    const traffic = createTraffic()
    const paths = Array.from({ length: 3_000 }, (_, index) => unclaimed(`/${index}`))
    traffic.collect({ requests: [], unclaimed: paths })
    expect(traffic.takeUnsent().unclaimed).toHaveLength(1_000)
  })
})

describe("a process's own figures", () => {
  it('are Prometheus text, whatever a route is called', () => {
    const text = ownMetrics({
      pid: 7,
      revision: 3,
      requests: [request('route:"a\\b"\nc', 2)],
      process: { inFlight: 1, residentBytes: 1024, cpuSeconds: 0.25, uptimeSeconds: 9 },
    })
    expect(text).toContain('# TYPE banyan_requests_total counter\n')
    expect(text).toContain(
      'banyan_requests_total{process="7",route="route:\\"a\\\\b\\"\\nc",upstream="clinic",outcome="2xx"} 2\n',
    )
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ |\w+\{.*\} [\d.]+$)/)
    expect(text.endsWith('\n')).toBe(true)
  })
})
