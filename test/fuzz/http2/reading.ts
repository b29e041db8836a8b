import type { Fields } from '../../../router/dataplane/http1/fields.ts'
import type { Field } from './hpack.ts'
import type { Reading, StreamReading } from './nghttp2.ts'

/** One message as the codec reads it. */
export type CodecStream = StreamReading & {
  /** Why it is no message after all, or what became of it. */
  fault: string | undefined
  /** It was answered, or its answer read, to the end: nobody looks at what else comes on the stream. */
  over: boolean
}

export type CodecReading = Omit<Reading, 'streams' | 'left'> & {
  readonly streams: ReadonlyMap<number, CodecStream>
  /** What must never be. */
  readonly wrong: readonly string[]
}

/** The fields that count, as pairs. */
export function pairsOf({ list, count }: Fields): Field[] {
  return Array.from({ length: count }, (_, index) => [list[index * 2] ?? '', list[index * 2 + 1] ?? ''])
}
