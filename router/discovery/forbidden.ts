import { BlockList, isIP } from 'node:net'

/** Why an address or a name is not connected to. */
export const METADATA = "is a cloud machine's metadata address, which is never asked"

const ADDRESSES = new BlockList()
// Link-local: AWS, Azure, Google, Oracle and most others at .169.254, containers of AWS at .170.2 and .170.23, Tencent
// at .0.23, Scaleway at .42.42. No application is upstream there.
ADDRESSES.addSubnet('169.254.0.0', 16, 'ipv4')
// Alibaba; the host beneath an Azure machine; Oracle's classic one.
for (const address of ['100.100.100.200', '168.63.129.16', '192.0.0.192']) ADDRESSES.addAddress(address, 'ipv4')
// AWS twice, Google, Oracle, Scaleway.
for (const address of ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:42::42']) {
  ADDRESSES.addAddress(address, 'ipv6')
}

const NAMES: ReadonlySet<string> = new Set([
  'instance-data',
  'instance-data.ec2.internal',
  'metadata',
  'metadata.azure.com',
  'metadata.azure.internal',
  'metadata.goog',
  'metadata.google.internal',
  'metadata.oraclecloud.com',
  'metadata.platformequinix.com',
  'metadata.tencentyun.com',
])

/** Whether an IP address, as a socket would be given it, is where a cloud machine keeps its credentials. */
export function isMetadataAddress(address: string): boolean {
  const [bare = ''] = address.replace(/^\[|\]$/g, '').split('%')
  if (isIP(bare) === 4) return ADDRESSES.check(bare, 'ipv4')
  if (isIP(bare) !== 6) return false
  return ADDRESSES.check(bare, 'ipv6') || carriedAddresses(bare).some((inner) => ADDRESSES.check(inner, 'ipv4'))
}

/** Whether a name is known to lead there, whatever it resolves to. */
export function isMetadataName(name: string): boolean {
  return NAMES.has(name.replace(/\.$/, '').toLowerCase())
}

/**
 * IPv4 addresses that an IPv6 address carries and that a gateway or the machine itself may translate it to: mapped,
 * compatible, translated, NAT64 in all of its layouts (RFC 6052), 6to4, Teredo (inverted), ISATAP.
 */
function carriedAddresses(address: string): readonly string[] {
  const bytes = bytesOf(address)
  const at = (...indexes: readonly number[]) => indexes.map((index) => bytes[index] ?? 0).join('.')
  const last = at(12, 13, 14, 15)
  const prefix = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (/^0{16}(?:0{8}|0{4}f{4}|f{4}0{4})/.test(prefix) || /^.{16}0[02]005efe/.test(prefix)) return [last]
  if (prefix.startsWith('0064ff9b')) {
    return [last, at(4, 5, 6, 7), at(5, 6, 7, 9), at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12)]
  }
  if (prefix.startsWith('2002')) return [at(2, 3, 4, 5)]
  if (prefix.startsWith('20010000'))
    return [
      bytes
        .slice(12)
        .map((byte) => byte ^ 0xff)
        .join('.'),
    ]
  // A network may have a NAT64 prefix of its own; of the whole link-local block, chance would hit some address there.
  return EXACT.includes(last) ? [last] : []
}

const EXACT: readonly string[] = ['169.254.169.254', '169.254.170.2', '100.100.100.200']

/** The 16 bytes of a valid IPv6 address. */
function bytesOf(address: string): readonly number[] {
  // The parser of URLs writes every spelling in one way, without dots.
  const { hostname } = new URL(`http://[${address}]`)
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<number>(zeros).fill(0), ...right].flatMap((group) => [group >> 8, group & 0xff])
}
