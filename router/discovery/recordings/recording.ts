/** One request as a recording of traffic has it. */
export type RecordedRequest = {
  readonly method: string
  /** Path as it was sent, without its query. */
  readonly path: string
  readonly status: number
  /** Wall time in ms; undefined: the recording does not say. */
  readonly at: number | undefined
  /** Bytes of the answer's body; undefined: not known. */
  readonly length: number | undefined
  /** Where the answer redirected to, without query; undefined: nowhere, or not known. */
  readonly location: string | undefined
  /** Methods of an `Allow` field; undefined: it had none, or not known. */
  readonly allow: readonly string[] | undefined
}

/** What a file comes to, in its order. `malformed`: something that should be a request and cannot be read. */
export type Recorded =
  | { readonly kind: 'request'; readonly request: RecordedRequest }
  | { readonly kind: 'malformed'; readonly line: number; readonly text: string }

/** One kind of recording: what a file of past traffic looks like and how it is read. */
export type RecordingKind = {
  /** Also the name of the detector that what it shows is evidence of. */
  readonly kind: string
  /** Requests that an operation needs: one where somebody recorded on purpose, more where anybody asks for anything. */
  readonly leastRequests: number
  /** A longer line is cut. */
  readonly longestLine: number
  /** Whether a file that begins like this is one. */
  recognises(beginning: string): boolean
  /** Reads line by line; what is kept in memory does not grow with the file, or the file is refused by throwing. */
  read(lines: AsyncIterable<string>): AsyncIterable<Recorded>
}

/** The path of a request target: without query, fragment, and without the host where one is written. */
export function pathOfTarget(target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
  return path.startsWith('/') ? path : path === '' && target !== '' ? '/' : undefined
}

/** The longest excerpt of a line that is shown. */
export function excerpt(text: string): string {
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
