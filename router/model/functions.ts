/** One function folder as the function host sees it now. */
export type FunctionState = {
  /** Name of its upstream: `functions/contact`. */
  readonly name: string
  /** Hash of the bundle that serves; undefined where none does. */
  readonly revision: string | undefined
  /** Set where nothing serves: why, with file and line. An old version that serves on is no failure. */
  readonly failure?: string
  /** Why the newest save does not serve, with file and line: the version before it still does. */
  readonly refused?: string | undefined
  /** Its routes as the function declares them: `GET /contact.html`, `GET /vets/:id{[0-9]+}`. */
  readonly routes: readonly string[]
}

/** What discovery needs of the function host. */
export type FunctionFeed = {
  /** Every folder there is; undefined until the functions folder was read for the first time. */
  state(): readonly FunctionState[] | undefined
  /** Calls `listener` after every change of `state`; the returned function ends that. */
  changed(listener: () => void): () => void
}
