import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PROXY_HEADER_LIMIT, readProxyHeader } from '../../../router/dataplane/accept/proxy-header.ts'

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

/** A header of version 2: command and version, family, addresses, and what balancers put behind them. */
function binary(command: number, family: number, addresses: Buffer, more = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([addresses, more])
  const head = Buffer.concat([Buffer.from(SIGNATURE, 'latin1'), Buffer.from([command, family, 0, 0])])
  head.writeUInt16BE(body.length, 14)
  return Buffer.concat([head, body])
}

const V4 = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 1, 0xbb])
const V6 = Buffer.from(`20010db8${'0'.repeat(23)}7${'0'.repeat(31)}11f9001bb`, 'hex')
const MAPPED = Buffer.from(`${'0'.repeat(20)}ffffcb007107${'0'.repeat(31)}11f9001bb`, 'hex')

describe('a PROXY header', () => {
  it.each([
    { text: 'PROXY TCP4 203.0.113.7 10.0.0.1 8080 443\r\n', address: '203.0.113.7' },
    { text: 'PROXY TCP4 203.0.113.7 10.0.0.1 0 65535\r\n', address: '203.0.113.7' },
    { text: 'PROXY TCP6 2001:DB8:0:0::7 ::1 8080 443\r\n', address: '2001:db8::7' },
    { text: 'PROXY TCP6 ::ffff:203.0.113.7 ::1 8080 443\r\n', address: '203.0.113.7' },
    { text: 'PROXY UNKNOWN\r\n', address: undefined },
    { text: 'PROXY UNKNOWN what ever stands here\r\n', address: undefined },
  ])('of version 1: $text', ({ text, address }) => {
    expect(readProxyHeader(Buffer.from(`${text}GET /`))).toEqual({ kind: 'whole', length: text.length, address })
  })

  it.each([
    { what: 'IPv4', bytes: binary(0x21, 0x11, V4), address: '203.0.113.7' },
    { what: 'IPv6', bytes: binary(0x21, 0x21, V6), address: '2001:db8::7' },
    { what: 'IPv4 in IPv6', bytes: binary(0x21, 0x21, MAPPED), address: '203.0.113.7' },
    { what: 'TLVs', bytes: binary(0x21, 0x11, V4, Buffer.from([4, 0, 3, 1, 2, 3])), address: '203.0.113.7' },
    { what: 'LOCAL', bytes: binary(0x20, 0, Buffer.alloc(0)), address: undefined },
    { what: 'LOCAL with addresses', bytes: binary(0x20, 0x11, V4), address: undefined },
    { what: 'an unspecified family', bytes: binary(0x21, 0, Buffer.from([1, 2, 3])), address: undefined },
  ])('of version 2: $what', ({ bytes, address }) => {
    const sent = Buffer.concat([bytes, Buffer.from('GET /')])
    expect(readProxyHeader(sent)).toEqual({ kind: 'whole', length: bytes.length, address })
  })

  it.each([
    { bytes: 'GET / HTTP/1.1\r\n', reason: 'it does not begin with one' },
    { bytes: 'PROXX', reason: 'it does not begin with one' },
    { bytes: 'proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n', reason: 'it does not begin with one' },
    { bytes: 'PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n', reason: 'its protocol is not TCP4, TCP6 or UNKNOWN' },
    { bytes: 'PROXY \r\n', reason: 'its protocol is not TCP4, TCP6 or UNKNOWN' },
    { bytes: 'PROXY TCP4 ::1 ::1 1 2\r\n', reason: 'its addresses are not of TCP4' },
    { bytes: 'PROXY TCP6 1.2.3.4 ::1 1 2\r\n', reason: 'its addresses are not of TCP6' },
    { bytes: 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', reason: 'its addresses are not of TCP6' },
    { bytes: 'PROXY TCP4 1.2.3.4 1.2.3.999 1 2\r\n', reason: 'its addresses are not of TCP4' },
    { bytes: 'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n', reason: 'it does not end with two ports' },
    { bytes: 'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n', reason: 'it does not end with two ports' },
    { bytes: 'PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n', reason: 'it does not end with two ports' },
    { bytes: 'PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n', reason: 'it does not end with two ports' },
    { bytes: 'PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n', reason: 'its protocol is not TCP4, TCP6 or UNKNOWN' },
    { bytes: `PROXY UNKNOWN ${'x'.repeat(200)}`, reason: 'its line is too long' },
    { bytes: `${SIGNATURE}\x11\x11`, reason: 'its version or command is unknown' },
    { bytes: `${SIGNATURE}\x22`, reason: 'its version or command is unknown' },
  ])('is none: $bytes', ({ bytes, reason }) => {
    expect(readProxyHeader(Buffer.from(bytes, 'latin1'))).toEqual({ kind: 'wrong', reason })
  })

  it.each([
    { what: 'cut addresses', bytes: binary(0x21, 0x11, V4.subarray(1)), reason: 'its addresses are cut off' },
    { what: 'cut IPv6', bytes: binary(0x21, 0x21, V6.subarray(1)), reason: 'its addresses are cut off' },
    { what: 'UDP', bytes: binary(0x21, 0x12, V4), reason: 'it is not about TCP over IPv4 or IPv6' },
    { what: 'a unix socket', bytes: binary(0x21, 0x31, V4), reason: 'it is not about TCP over IPv4 or IPv6' },
  ])('of version 2 is none with $what', ({ bytes, reason }) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'wrong', reason })
  })

  it('of version 2 is refused for its length before its end has come', () => {
    const long = binary(0x21, 0x11, V4, Buffer.alloc(PROXY_HEADER_LIMIT))
    expect(readProxyHeader(long.subarray(0, 16)).kind).toBe('wrong')
  })

  const address = fc.ipV4()
  const port = fc.nat(65_535)
  const good = fc.oneof(
    fc
      .tuple(address, address, port, port)
      .map(([from, to, a, b]) => ({ from, bytes: Buffer.from(`PROXY TCP4 ${from} ${to} ${a} ${b}\r\n`) })),
    fc
      .tuple(address, fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.uint8Array({ maxLength: 300 }))
      .map(([from, to, tlvs]) => ({
        from,
        bytes: binary(0x21, 0x11, Buffer.concat([Buffer.from(from.split('.').map(Number)), to]), Buffer.from(tlvs)),
      })),
  )

  it('is partial until its last byte, then whole, whatever stands behind it', () => {
    fc.assert(
      fc.property(good, fc.uint8Array({ maxLength: 64 }), ({ from, bytes }, behind) => {
        for (let end = 0; end < bytes.length; end++) {
          expect(readProxyHeader(bytes.subarray(0, end)).kind).toBe('partial')
        }
        const read = readProxyHeader(Buffer.concat([bytes, behind]))
        expect(read).toEqual({ kind: 'whole', length: bytes.length, address: from })
      }),
    )
  })

  it('is never seen in anything else, and what is no header is known by its first 108 bytes or its length', () => {
    const start = fc.constantFrom('', 'PROXY ', 'PROXY TCP4 ', SIGNATURE, `${SIGNATURE}\x21\x11`)
    fc.assert(
      fc.property(start, fc.uint8Array({ minLength: 0, maxLength: 200 }), (begin, rest) => {
        const bytes = Buffer.concat([Buffer.from(begin, 'latin1'), rest])
        const read = readProxyHeader(bytes)
        if (read.kind === 'whole') {
          expect(bytes.subarray(0, read.length).toString('latin1')).toMatch(/^(?:PROXY .*\r\n$|\r\n\r\n\0\r\nQUIT\n)/s)
          expect(read.length).toBeLessThanOrEqual(bytes.length)
        }
        if (read.kind === 'partial' && bytes.length > 107) expect(bytes.toString('latin1', 0, 12)).toBe(SIGNATURE)
      }),
    )
  })
})
