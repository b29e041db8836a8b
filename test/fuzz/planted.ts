/** Bugs to be planted in a copy of the codec: a fuzzer is worth what it finds. */
export type Planted = {
  readonly name: string
  /** Below `router/dataplane`. */
  readonly file: string
  readonly changes: readonly { readonly from: string; readonly to: string }[]
}

/** Each is a mistake that some server has made. */
export const PLANTED: readonly Planted[] = [
  {
    name: 'a field line may end with LF alone',
    file: 'http1/fields.ts',
    changes: [
      {
        from: "if (bytes[at] !== CR || bytes[at + 1] !== LF || at >= stop) return 'malformed'",
        to: "if ((bytes[at] !== CR || bytes[at + 1] !== LF) && bytes[at] !== LF) return 'malformed'",
      },
      { from: 'at += 2\n', to: 'at += bytes[at] === LF ? 1 : 2\n' },
    ],
  },
  {
    name: 'a head as long as the one before is taken for it',
    file: 'http1/head-finder.ts',
    changes: [{ from: 'return text.substring(0, length) === this.#known', to: 'return true' }],
  },
  {
    name: 'field lines as long as those before are taken for them',
    file: 'http1/request-head.ts',
    changes: [{ from: 'lines === known &&', to: 'lines.length === known.length &&' }],
  },
  {
    name: 'a length may have a sign',
    file: 'http1/fields.ts',
    changes: [
      {
        from: 'if (digit < 0 || digit > 9) return -1',
        to: 'if (digit === -5) continue\n    if (digit < 0 || digit > 9) return -1',
      },
    ],
  },
  {
    name: 'the first of two lengths counts',
    file: 'http1/request-head.ts',
    changes: [
      {
        from: "head.length = parseLength(value)\n      if (again || head.length < 0) return 'request_malformed'",
        to: "if (again) continue\n      head.length = parseLength(value)\n      if (head.length < 0) return 'request_malformed'",
      },
    ],
  },
  {
    name: 'chunked in capitals is no coding',
    file: 'http1/request-head.ts',
    changes: [
      {
        from: 'head.chunked = (seen & (1 << FIELD.transferEncoding)) !== 0',
        to: "head.chunked = coding === 'chunked'",
      },
    ],
  },
  {
    name: 'a coding beside a length is taken',
    file: 'http1/request-head.ts',
    changes: [{ from: 'if (head.length >= 0 || head.minor === 0) return', to: 'if (head.minor === 0) return' }],
  },
  {
    name: 'other codings before chunked are passed over',
    file: 'http1/request-head.ts',
    changes: [{ from: "coding.toLowerCase() !== 'chunked'", to: "!coding.toLowerCase().endsWith('chunked')" }],
  },
  {
    name: 'a space may stand before the colon',
    file: 'http1/fields.ts',
    changes: [
      {
        from: 'if (at === nameStart || bytes[at] !== COLON)',
        to: 'while (bytes[at] === SPACE) at++\n    if (at === nameStart || bytes[at] !== COLON)',
      },
    ],
  },
  {
    name: 'NUL may stand in a value',
    file: 'http1/chars.ts',
    changes: [{ from: 'code === 0x09 || (code >= 0x20', to: 'code === 0x09 || code === 0x00 || (code >= 0x20' }],
  },
  {
    name: 'a bare CR may stand in a value',
    file: 'http1/fields.ts',
    changes: [
      {
        from: 'while (FIELD_TEXT[bytes[at] ?? 0] === 1) at++',
        to: 'while (FIELD_TEXT[bytes[at] ?? 0] === 1 || (bytes[at] === CR && bytes[at + 1] !== LF)) at++',
      },
    ],
  },
  {
    name: 'what stands behind a chunk is not looked at',
    file: 'http1/chunked.ts',
    changes: [
      { from: 'this.#state = BYTES_LF\n        return byte === CR', to: 'this.#state = BYTES_LF\n        return true' },
    ],
  },
  {
    name: 'a chunk size has 32 bits',
    file: 'http1/chunked.ts',
    changes: [{ from: 'this.#left = this.#left * 16 + digit', to: 'this.#left = (this.#left * 16 + digit) >>> 0' }],
  },
  {
    name: 'a trailer may be anything',
    file: 'http1/chunked.ts',
    changes: [
      {
        from: 'return parseFields(raw, 0, this.#trailer.length - 2, trailers) === undefined',
        to: 'parseFields(raw, 0, this.#trailer.length - 2, trailers)\n    return true',
      },
    ],
  },
  {
    name: 'a head that is split in its last four bytes is not found',
    file: 'http1/head-finder.ts',
    changes: [{ from: 'start + Math.max(0, this.#scanned - 3)', to: 'start + this.#scanned' }],
  },
  {
    name: 'close counts only as the first option',
    file: 'http1/request-head.ts',
    changes: [{ from: "if (options.includes('close')) head", to: "if (options[0] === 'close') head" }],
  },
  {
    name: 'an absolute target has the path of its authority',
    file: 'http1/request-head.ts',
    changes: [{ from: 'readPath(text, at, end, head)', to: 'readPath(text, from, end, head)' }],
  },
  {
    name: 'the coding of the client is passed on beside ours',
    file: 'request-fields.ts',
    changes: [{ from: '    case FIELD.transferEncoding:\n', to: '' }],
  },
  {
    name: 'an answer with two lengths has the first',
    file: 'http1/response-head.ts',
    changes: [{ from: 'if (again || head.length < 0) return false', to: 'if (head.length < 0) return false' }],
  },
  {
    name: 'an answer may be 204 with a body',
    file: 'http1/response-head.ts',
    changes: [{ from: ' || head.status === 204', to: '' }],
  },
]
