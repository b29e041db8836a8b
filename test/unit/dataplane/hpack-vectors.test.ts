import { describe, expect, it } from 'vitest'
import { Decoder } from '../../../router/dataplane/http2/hpack/decoder.ts'
import { ReferenceDecoder } from '../../fuzz/http2/hpack.ts'

const AUTHORITY = ':authority: www.example.com'
const PLAIN_GET = [':method: GET', ':scheme: http', ':path: /', AUTHORITY]
const REQUESTS = [
  PLAIN_GET,
  [...PLAIN_GET, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', AUTHORITY, 'custom-key: custom-value'],
]
const PRIVATE = 'cache-control: private'
const DATE = 'date: Mon, 21 Oct 2013 20:13:21 GMT'
const LATER = 'date: Mon, 21 Oct 2013 20:13:22 GMT'
const LOCATION = 'location: https://www.example.com'
const COOKIE = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'
const ANSWERS = [
  [':status: 302', PRIVATE, DATE, LOCATION],
  [':status: 307', PRIVATE, DATE, LOCATION],
  [':status: 200', PRIVATE, LATER, LOCATION, 'content-encoding: gzip', COOKIE],
]
/** What each answer leaves in a table of 256 bytes, the newest first. */
const TABLES = [
  [LOCATION, DATE, PRIVATE, ':status: 302'],
  [':status: 307', LOCATION, DATE, PRIVATE],
  [COOKIE, 'content-encoding: gzip', LATER],
]
/** The examples of C.5 and C.6 have a table of 256 bytes. */
const SMALL_TABLE = '3fe101'

/** RFC 7541, appendix C. */
const EXAMPLES = [
  {
    name: 'C.2.1, a literal that the table keeps',
    blocks: ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    fields: [['custom-key: custom-header']],
    tables: [['custom-key: custom-header']],
  },
  {
    name: 'C.2.2, a literal that it does not keep',
    blocks: ['040c 2f73 616d 706c 652f 7061 7468'],
    fields: [[':path: /sample/path']],
    tables: [[]],
  },
  {
    name: 'C.2.3, a literal that nobody may keep',
    blocks: ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    fields: [['password: secret']],
    tables: [[]],
  },
  { name: 'C.2.4, an index', blocks: ['82'], fields: [[':method: GET']], tables: [[]] },
  {
    name: 'C.3, requests',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    fields: REQUESTS,
    tables: [
      [AUTHORITY],
      ['cache-control: no-cache', AUTHORITY],
      ['custom-key: custom-value', 'cache-control: no-cache', AUTHORITY],
    ],
  },
  {
    name: 'C.4, requests with Huffman coding',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    fields: REQUESTS,
    tables: [
      [AUTHORITY],
      ['cache-control: no-cache', AUTHORITY],
      ['custom-key: custom-value', 'cache-control: no-cache', AUTHORITY],
    ],
  },
  {
    name: 'C.5, answers',
    blocks: [
      `${SMALL_TABLE} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133
      3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
      6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
      2076 6572 7369 6f6e 3d31`,
    ],
    fields: ANSWERS,
    tables: TABLES,
  },
  {
    name: 'C.6, answers with Huffman coding',
    blocks: [
      `${SMALL_TABLE} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d
      29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
      dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    fields: ANSWERS,
    tables: TABLES,
  },
]

type Read = (bytes: Buffer) => string[] | undefined

/** The decoder of the router, and the one that the fuzzer holds it against. */
const READERS: readonly { readonly who: string; readonly begin: () => Read }[] = [
  { who: 'the decoder', begin: codecReader },
  { who: 'the reference', begin: referenceReader },
]

describe.each(READERS)('$who', ({ begin }) => {
  it.each(EXAMPLES)('reads $name, and keeps what it should', ({ blocks, fields, tables }) => {
    // The table is looked at behind each block, and at an index beyond it the connection is over: each needs its own.
    for (const [last, table] of tables.entries()) {
      const read = begin()
      const seen = blocks.slice(0, last + 1).map((block) => read(bytesOf(block)))
      expect(seen).toEqual(fields.slice(0, last + 1))
      const kept = table.map((_, index) => read(Buffer.from([0x80 | (FIRST_INDEX + index)])))
      expect(kept).toEqual(table.map((field) => [field]))
      expect(read(Buffer.from([0x80 | (FIRST_INDEX + table.length)]))).toBeUndefined()
    }
  })
})

const FIRST_INDEX = 62

function codecReader(): Read {
  const decoder = new Decoder()
  return (bytes) => {
    const fields: string[] = []
    const onField = ({ name, value }: { readonly name: string; readonly value: string }): void => {
      fields.push(`${name}: ${value}`)
    }
    return decoder.decode(bytes, 0, bytes.length, { onField }) ? fields : undefined
  }
}

function referenceReader(): Read {
  const decoder = new ReferenceDecoder()
  return (bytes) => decoder.read(bytes)?.map(([name, value]) => `${name}: ${value}`)
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
}
