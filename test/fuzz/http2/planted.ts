import type { Planted } from '../planted.ts'

/** Bugs to be planted in a copy of the HTTP/2 codec. */
export const PLANTED_HTTP2: readonly Planted[] = [
  {
    name: 'the table may change its size behind a field',
    file: 'http2/hpack/decoder.ts',
    changes: [{ from: 'if (!first || !this.#resize', to: 'if (!this.#resize' }],
  },
  {
    name: 'a Huffman string may be padded with anything',
    file: 'http2/hpack/huffman.ts',
    changes: [{ from: 'return ACCEPTED[state] === 1 ? length : -1', to: 'return length' }],
  },
  {
    name: 'an entry of the table counts for less than it should',
    file: 'http2/hpack/decoder.ts',
    changes: [{ from: 'export const ENTRY_OVERHEAD = 32', to: 'export const ENTRY_OVERHEAD = 30' }],
  },
  {
    name: 'an index reaches entries that are gone',
    file: 'http2/hpack/decoder.ts',
    changes: [{ from: 'return at < this.#gone ? undefined : this.#table[at]', to: 'return this.#table[at]' }],
  },
  {
    name: 'transfer-encoding may come by HTTP/2',
    file: 'http2/received-fields.ts',
    changes: [{ from: "  'transfer-encoding',\n", to: '' }],
  },
  {
    name: 'pseudo-headers may stand behind fields',
    file: 'http2/received-fields.ts',
    changes: [{ from: 'this.#fields.count > 0 || ', to: '' }],
  },
  {
    name: 'a body may be shorter than its stated length',
    file: 'http2/downstream-stream.ts',
    changes: [{ from: 'this.inflow.received !== length)', to: 'this.inflow.received > length)' }],
  },
  {
    name: 'trailers need not end the stream',
    file: 'http2/downstream-stream.ts',
    changes: [{ from: 'if (!endStream || this.#trailerFields.broken', to: 'if (this.#trailerFields.broken' }],
  },
  {
    name: 'padding is never given back to the window',
    file: 'http2/inflow.ts',
    changes: [
      { from: '  skip(length: number): void {\n    this.#taken(length)\n', to: '  skip(_length: number): void {\n' },
    ],
  },
  {
    name: 'trailers are lost where the body waits for a window',
    file: 'http2/stream-writer.ts',
    changes: [{ from: ' || this.#trailers !== undefined) return', to: ') return' }],
  },
  {
    name: 'more is sent than the window of a stream lets',
    file: 'http2/stream-writer.ts',
    changes: [
      { from: 'Math.min(wanted, this.window, sending.sendWindow)', to: 'Math.min(wanted, sending.sendWindow)' },
    ],
  },
  {
    name: 'a stream that was reset by its client is kept',
    file: 'http2/downstream-stream.ts',
    changes: [{ from: '    this.inflow.close()\n    this.session.forget(this)\n', to: '    this.inflow.close()\n' }],
  },
  {
    name: 'a header block may go on on another stream',
    file: 'http2/frame-rules.ts',
    changes: [{ from: 'return this.#blockId === 0 || this.#blockId === id ?', to: 'return id >= 0 ?' }],
  },
  {
    name: 'an answer may have two lengths',
    file: 'http2/response-head.ts',
    changes: [{ from: 'if ((seen & (1 << kind)) !== 0) return false', to: '' }],
  },
  {
    name: 'an answer may be shorter than its stated length',
    file: 'http2/upstream-stream.ts',
    changes: [{ from: 'inflow.received !== head.length', to: 'inflow.received > head.length' }],
  },
]
