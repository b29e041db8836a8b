import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { TrafficCounts } from '../model/link.ts'
import type { ShiftRecord } from '../model/shift.ts'

/** The whole router's figures for Prometheus: data-plane processes summed, labels bounded (never a raw path). */
export type Metrics = {
  /** Prometheus text format 0.0.4. */
  text(now: MetricsNow): Promise<string>
}

/** What is read at the moment of asking. */
export type MetricsNow = {
  readonly revision: number
  readonly processes: readonly { readonly pid: number; readonly inFlight: number }[]
  readonly shifts: readonly ShiftRecord[]
  /** Since control started. */
  readonly requests: TrafficCounts['requests']
  readonly operations: number
  readonly degraded: boolean
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'banyan_requests_total',
    help: 'Requests answered, by rule, upstream and outcome (status class, or error:CODE).',
    labelNames: ['rule', 'upstream', 'outcome'],
    registers,
  })
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })
  const revision = gauge('banyan_plan_revision', 'Revision of the plan that is published.')
  const processes = gauge('banyan_dataplane_processes', 'Data-plane processes that are connected.')
  const inFlight = gauge('banyan_requests_in_flight', 'Requests in flight in all data-plane processes.')
  const weight = gauge('banyan_shift_weight', 'Share of keys that go to the candidate of a shift.', ['shift'])
  const operations = gauge('banyan_operations', 'Operations in the catalogue.')
  const degraded = gauge('banyan_degraded', '1 while something is kept back: see /readyz.')
  collectDefaultMetrics({ register: registry, prefix: 'banyan_control_' })

  return {
    text(now) {
      requests.reset()
      for (const { rule, upstream, outcome, count } of now.requests) requests.inc({ rule, upstream, outcome }, count)
      revision.set(now.revision)
      processes.set(now.processes.length)
      inFlight.set(now.processes.reduce((total, one) => total + one.inFlight, 0))
      operations.set(now.operations)
      degraded.set(now.degraded ? 1 : 0)
      weight.reset()
      for (const shift of now.shifts) weight.set({ shift: shift.id }, shift.weight)
      return registry.metrics()
    },
  }
}
