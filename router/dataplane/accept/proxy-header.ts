import { isIP, SocketAddress } from 'node:net'
import { peerAddress } from '../addresses.ts'

/**
 * The PROXY header, versions 1 and 2 (haproxy.org/download/2.9/doc/proxy-protocol.txt): what a load balancer says of
 * the connection that it passes on, before the first byte of that.
 */

/** `partial`: more is needed. `wrong`: it is no such header, and why. */
export type ProxyHeader =
  | { readonly kind: 'whole'; readonly length: number; readonly address: string | undefined }
  | { readonly kind: 'partial' }
  | { readonly kind: 'wrong'; readonly reason: string }

/** Longest header that is read: addresses, and as much again as balancers add to them. */
export const PROXY_HEADER_LIMIT = 4096

/** Reads the header that `bytes` begin with. `address` undefined: the connection is the balancer's own. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known))) return readBinary(bytes)
  return readText(bytes)
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const PARTIAL: ProxyHeader = { kind: 'partial' }

const PREFIX = 'PROXY '
/** With its CRLF. */
const LONGEST_LINE = 107

function readText(bytes: Buffer): ProxyHeader {
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, LONGEST_LINE))
  if (!start.startsWith(PREFIX.slice(0, start.length))) return wrong('it does not begin with one')
  const end = start.indexOf('\r\n')
  if (end < 0) return start.length < LONGEST_LINE ? PARTIAL : wrong('its line is too long')
  const words = start.slice(PREFIX.length, end).split(' ')
  const length = end + 2
  // Whatever stands behind UNKNOWN is to be passed over.
  if (words[0] === 'UNKNOWN') return { kind: 'whole', length, address: undefined }
  const [family, source = '', destination = '', ...ports] = words
  const versions: Readonly<Record<string, number>> = { TCP4: 4, TCP6: 6 }
  const version = Object.hasOwn(versions, family ?? '') ? versions[family ?? ''] : undefined
  if (version === undefined) return wrong('its protocol is not TCP4, TCP6 or UNKNOWN')
  if (![source, destination].every((address) => isAddress(address, version))) {
    return wrong(`its addresses are not of ${family}`)
  }
  if (ports.length !== 2 || !ports.every(isPort)) return wrong('it does not end with two ports')
  return { kind: 'whole', length, address: canonical(source) }
}

/** Of a machine, not of one of its interfaces (`%eth0`). */
function isAddress(text: string, version: number): boolean {
  return isIP(text) === version && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

const LOCAL = 0x20
const PROXY = 0x21
const FIXED = 16

function readBinary(bytes: Buffer): ProxyHeader {
  const command = bytes[12]
  if (command !== undefined && command !== LOCAL && command !== PROXY) return wrong('its version or command is unknown')
  if (bytes.length < FIXED) return PARTIAL
  const length = FIXED + bytes.readUInt16BE(14)
  if (length > PROXY_HEADER_LIMIT) return wrong(`it is longer than ${PROXY_HEADER_LIMIT} bytes`)
  if (bytes.length < length) return PARTIAL
  const family = bytes[13]
  if (command === LOCAL || family === 0) return { kind: 'whole', length, address: undefined }
  if (family === 0x11) return length < FIXED + 12 ? SHORT : { kind: 'whole', length, address: ipv4(bytes, FIXED) }
  if (family === 0x21) return length < FIXED + 36 ? SHORT : { kind: 'whole', length, address: ipv6(bytes, FIXED) }
  return wrong('it is not about TCP over IPv4 or IPv6')
}

const SHORT = wrong('its addresses are cut off')

function ipv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function ipv6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(at + index * 2).toString(16))
  return canonical(groups.join(':'))
}

/** As sockets name it: the longest run of zeros left out (RFC 5952), and IPv4 in its own form. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address
  return peerAddress(new SocketAddress({ address, family: 'ipv6' }).address)
}

function wrong(reason: string): ProxyHeader {
  return { kind: 'wrong', reason }
}
