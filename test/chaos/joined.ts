import type { Endpoint } from './endpoint.ts'
import type { Noted } from './load.ts'

/** Both logs of a scenario joined by request id. */
export type Joined = {
  readonly noted: readonly Noted[]
  readonly requests: number
  readonly ok: number
  /** Errors of the router, which the client can tell from an answer of the upstream. */
  readonly promised: number
  /** Answers that had begun and were reset. */
  readonly begun: number
  readonly refused: number
  /** Neither a whole and right answer nor any of these. */
  readonly lost: readonly Noted[]
  /** Ids of POSTs that reached upstreams more than once. */
  readonly doubled: readonly string[]
  /** Ids whose client had a whole answer, and which no upstream ever saw. */
  readonly unseen: readonly string[]
}

/** Joins what clients noted with what endpoints saw. */
export function join(noted: readonly Noted[], endpoints: readonly Endpoint[]): Joined {
  const times = new Map<string, number>()
  for (const id of endpoints.flatMap((endpoint) => endpoint.seen())) times.set(id, (times.get(id) ?? 0) + 1)
  const of = (...outcomes: readonly Noted['outcome'][]) => noted.filter(({ outcome }) => outcomes.includes(outcome))
  return {
    noted,
    requests: noted.length,
    ok: of('ok').length,
    promised: of('promised').length,
    begun: of('begun').length,
    refused: of('refused').length,
    lost: of('lost', 'wrong'),
    doubled: noted.filter(({ method, id }) => method === 'POST' && (times.get(id) ?? 0) > 1).map(({ id }) => id),
    unseen: of('ok')
      .filter(({ id }) => !times.has(id))
      .map(({ id }) => id),
  }
}

/** The names of `cells`. */
export const COLUMNS = ['requests', 'whole', 'begun and reset', 'errors', 'refused', 'lost', 'doubled'] as const

/** The figures of a scenario for a table. */
export function cells({ requests, ok, begun, promised, refused, lost, doubled }: Joined): readonly string[] {
  return [requests, ok, begun, promised, refused, lost.length, doubled.length].map(String)
}

/** One line: the figures of a scenario. */
export function figures(name: string, joined: Joined): string {
  const { requests, ok, promised, begun, refused, lost, doubled } = joined
  const errors = new Map<string, number>()
  for (const { outcome, detail, method } of joined.noted) {
    if (outcome === 'ok') continue
    const what = `${method} ${outcome} ${detail}`
    errors.set(what, (errors.get(what) ?? 0) + 1)
  }
  const details = [...errors].map(([what, count]) => `${what} × ${count}`).join(', ')
  const counts = `requests ${requests}  whole ${ok}  lost ${lost.length}  doubled ${doubled.length}`
  const others = `begun and reset ${begun}  errors ${promised}  refused ${refused}`
  return `${name.padEnd(26)} ${counts}  ${others}${details === '' ? '' : `\n${' '.repeat(27)}${details}`}`
}
