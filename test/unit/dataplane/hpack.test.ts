import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeLines, encodeRequest, encodeResponse } from '../../../router/dataplane/http2/head-lines.ts'
import { Decoder } from '../../../router/dataplane/http2/hpack/decoder.ts'
import { Encoder } from '../../../router/dataplane/http2/hpack/encoder.ts'
import { decodeHuffman } from '../../../router/dataplane/http2/hpack/huffman.ts'

/** Decodes a block given in hexadecimal; false where it is none. */
function decoded(decoder: Decoder, hex: string): string[] | false {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const fields: string[] = []
  const whole = decoder.decode(bytes, 0, bytes.length, {
    onField: ({ name, value }) => fields.push(`${name}: ${value}`),
  })
  return whole && fields
}

describe('a header block', () => {
  it('is read as the examples of RFC 7541, C.3 say', () => {
    const decoder = new Decoder()
    const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
    expect(decoded(decoder, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d')).toEqual(first)
    expect(decoded(decoder, '8286 84be 5808 6e6f 2d63 6163 6865')).toEqual([...first, 'cache-control: no-cache'])
    expect(decoded(decoder, '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65')).toEqual([
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ])
  })

  it('is read with Huffman coding as the examples of RFC 7541, C.4 and C.6 say', () => {
    const decoder = new Decoder()
    expect(decoded(decoder, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')).toContain(':authority: www.example.com')
    expect(decoded(decoder, '8286 84be 5886 a8eb 1064 9cbf')).toContain('cache-control: no-cache')
    const answer = '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad'
    expect(decoded(new Decoder(), `${answer} 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`)).toEqual([
      ':status: 302',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ])
  })

  it.each([
    { why: 'an index of nothing', hex: '80' },
    { why: 'an index beyond the tables', hex: 'be' },
    { why: 'an integer without end', hex: 'ffffffffffffff' },
    { why: 'a string beyond the block', hex: '00 05 61' },
    { why: 'a table larger than allowed', hex: '3f e2 1f' },
    { why: 'a change of the table behind a field', hex: '82 20' },
    { why: 'padding of zeros', hex: '00 81 18 81 18' },
    { why: 'padding of a byte', hex: '00 82 1f ff 00' },
    { why: 'the end-of-string code', hex: '00 84 ff ff ff ff 00' },
  ])('is none with $why', ({ hex }) => {
    expect(decoded(new Decoder(), hex)).toBe(false)
  })

  it('takes entries out of the table as it fills, and all of them where it is emptied', () => {
    const decoder = new Decoder()
    for (let index = 0; index < 2000; index++) {
      const value = Buffer.from(String(index).padStart(100, '.')).toString('hex')
      expect(decoded(decoder, `4001 61 64 ${value}`)).not.toBe(false)
    }
    expect(decoded(decoder, 'be')).toEqual([`a: ${'1999'.padStart(100, '.')}`])
    // 4096 bytes hold 30 entries of 133.
    expect(decoded(decoder, (0x80 | (61 + 30)).toString(16))).toEqual([`a: ${'1970'.padStart(100, '.')}`])
    expect(decoded(decoder, (0x80 | (61 + 31)).toString(16))).toBe(false)
    expect(decoded(decoder, '20 be')).toBe(false)
  })

  it('knows a Huffman code for every byte', () => {
    // 0xff as a symbol: 26 ones but for two bits (RFC 7541, appendix B).
    const into = Buffer.alloc(4)
    expect(decodeHuffman(Buffer.from('fffffbbf', 'hex'), 0, 4, into)).toBe(1)
    expect(into[0]).toBe(0xff)
  })
})

describe('what is encoded', () => {
  const token = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,20}$/).filter((name) => !HOP.has(name.toLowerCase()))
  const value = fc.stringMatching(/^[!-~\u00a1-\u00ff]{0,60}$/)
  const lines = fc.array(fc.tuple(token, value), { maxLength: 30 })

  it('is read back the same, block after block, whatever the table holds', () => {
    fc.assert(
      fc.property(fc.array(lines, { minLength: 1, maxLength: 8 }), fc.nat(6000), (blocks, size) => {
        const encoder = new Encoder()
        const decoder = new Decoder()
        for (const [index, fields] of blocks.entries()) {
          if (index === 1) encoder.resize(size)
          const text = fields.map(([name, content]) => `${name}: ${content}\r\n`).join('')
          const into = Buffer.alloc(8192)
          encoder.begin(into, 0)
          encodeLines(text, 0, encoder)
          const expected = fields.map(([name, content]) => `${name.toLowerCase()}: ${content}`)
          expect(decoded(decoder, into.toString('hex', 0, encoder.at))).toEqual(expected)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('tells the smallest and the last size of a table that changed more than once between two blocks', () => {
    const encoder = new Encoder()
    const begun = () => {
      const into = Buffer.alloc(16)
      encoder.begin(into, 0)
      return into.toString('hex', 0, encoder.at)
    }
    for (const size of [100, 0, 4096]) encoder.resize(size)
    expect(begun()).toBe('203fe11f')
    expect(begun()).toBe('')
    for (const size of [5, 2000, 30]) encoder.resize(size)
    expect(begun()).toBe('253e')
    for (const size of [4096, 7]) encoder.resize(size)
    expect(begun()).toBe('27')
  })

  it('is read after its table was made smaller and larger again between two blocks', () => {
    const encoder = new Encoder()
    const decoder = new Decoder()
    for (const sizes of [[], [0, 4096], []]) {
      for (const size of sizes) encoder.resize(size)
      const into = Buffer.alloc(64)
      encoder.begin(into, 0)
      encodeLines('x-kept: a\r\nx-also: b\r\n', 0, encoder)
      expect(decoded(decoder, into.toString('hex', 0, encoder.at))).toEqual(['x-kept: a', 'x-also: b'])
    }
  })

  it('is a byte a field where it is said again', () => {
    const encoder = new Encoder()
    const head = 'HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
    const lengths = [1, 2].map(() => {
      encoder.begin(Buffer.alloc(500), 0)
      expect(encodeResponse(head, encoder)).toBe(head.length)
      return encoder.at
    })
    expect(lengths[0]).toBeGreaterThan(30)
    expect(lengths[1]).toBe(3)
  })

  it('keeps secrets out of the table', () => {
    const encoder = new Encoder()
    const text = 'GET /a HTTP/1.1\r\nHost: shop.test\r\nCookie: a=1\r\nAuthorization: Basic eA==\r\n\r\n'
    const decoder = new Decoder()
    const hex = [1, 2].map(() => {
      const into = Buffer.alloc(500)
      encoder.begin(into, 0)
      encodeRequest(text, true, encoder)
      return into.toString('hex', 0, encoder.at)
    })
    const expected = [
      ':method: GET',
      ':scheme: https',
      ':authority: shop.test',
      ':path: /a',
      'cookie: a=1',
      'authorization: Basic eA==',
      'te: trailers',
    ]
    for (const one of hex) expect(decoded(decoder, one)).toEqual(expected)
    for (const one of hex) expect(Buffer.from(one, 'hex').toString('latin1')).toContain('Basic eA==')
  })
})

const HOP = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'constructor',
])
