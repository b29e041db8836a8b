import type { ProcessFigures, TrafficCounts } from '../model/link.ts'

/** What one data-plane process knows of itself, for as long as control cannot say more. */
export type OwnFigures = {
  readonly pid: number
  readonly revision: number
  readonly requests: TrafficCounts['requests']
  readonly process: ProcessFigures
}

/** Prometheus text, version 0.0.4. Every figure carries the process: they are one process's, not the router's. */
export function ownMetrics({ pid, revision, requests, process }: OwnFigures): string {
  const own = { process: String(pid) }
  return [
    ...family(
      'banyan_control_connected',
      'gauge',
      'Whether control can be reached; figures are of one process while it cannot.',
      [[own, 0]],
    ),
    ...family('banyan_plan_revision', 'gauge', 'Revision of the plan that is served.', [[own, revision]]),
    ...family('banyan_requests_in_flight', 'gauge', 'Requests that are being answered.', [[own, process.inFlight]]),
    ...family(
      'banyan_requests_total',
      'counter',
      'Requests by route, upstream and outcome.',
      requests.map(({ rule, upstream, outcome, count }) => [{ ...own, route: rule, upstream, outcome }, count]),
    ),
    ...family('process_cpu_seconds_total', 'counter', 'User and system CPU time.', [[own, process.cpuSeconds]]),
    ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [[own, process.residentBytes]]),
    '',
  ].join('\n')
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
      return `${name}{${pairs.join(',')}} ${value}`
    }),
  ]
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
