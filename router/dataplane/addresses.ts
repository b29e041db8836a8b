import { BlockList, isIP } from 'node:net'

/** A set of IP addresses, written as CIDR blocks or single addresses. */
export type AddressSet = { has(address: string): boolean }

/** Builds the set. Throws where an entry is neither an address nor a block. Asking costs about a microsecond. */
export function addressSet(entries: readonly string[]): AddressSet {
  if (entries.length === 0) return NOBODY
  const list = new BlockList()
  for (const entry of entries) {
    const slash = entry.indexOf('/')
    const address = slash < 0 ? entry : entry.slice(0, slash)
    const family = isIP(address)
    if (family === 0)
      throw new Error(`address block "${entry}": expected an address or a CIDR block such as 10.0.0.0/8`)
    const bits = slash < 0 ? (family === 4 ? 32 : 128) : Number(entry.slice(slash + 1))
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return { has: (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') }
}

/** An address as a socket names it, with an IPv4 address in its own form even where the socket speaks IPv6. */
export function peerAddress(remote: string | undefined): string {
  if (remote === undefined) return 'unknown'
  return remote.startsWith('::ffff:') && remote.includes('.') ? remote.slice(7) : remote
}

const NOBODY: AddressSet = { has: () => false }
