import type { Pace } from './rounds.ts'

/** One measurement of the bench: what `--rows` names, and one section of docs/bench.md. */
export type Row = {
  readonly name: string
  readonly summary: string
  /** Measures, and returns Markdown. Ends everything it started, also when it fails. */
  run(bench: Bench): Promise<string>
}

/** What every row gets. */
export type Bench = Pace & {
  /** A temporary folder; each row makes folders of its own names in it. */
  readonly folder: string
  /** Where the router's compiled code is kept between starts. */
  readonly compileCache: string
  /** Ports of the upstream: all answer the same. */
  readonly upstreams: readonly [first: number, second: number]
}
