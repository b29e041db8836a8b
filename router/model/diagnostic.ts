/** A place in a file the user wrote; line and column count from 1. */
export type Position = {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One thing wrong, or worth knowing, about what the user wrote or the world contains. */
export type Diagnostic = {
  readonly severity: 'error' | 'warning'
  /** Stable kebab-case name of the kind of problem, e.g. `unknown-upstream`. */
  readonly code: string
  /** Subject, value, expectation. */
  readonly message: string
  readonly hint?: string
  readonly at?: Position
  /** Path in the document, e.g. `routes[2].to`. */
  readonly path?: string
}
