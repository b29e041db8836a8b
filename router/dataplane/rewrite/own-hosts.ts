/** The names by which an application knows itself, and so must not be known to a client. */
export type OwnHosts = {
  /** Whether this authority (`host` or `host:port`) is one of them; `scheme` tells the port left out. */
  hasAuthority(authority: string, scheme: string): boolean
  /** Whether this host name, without port, is one of them. */
  hasHost(host: string): boolean
}

/**
 * `names` are hosts in lower case, with port where one was written. One without port stands for every port of that
 * host; one with port for that port only, so that two applications on one machine are not taken for each other.
 */
export function ownHosts(names: readonly string[]): OwnHosts {
  const exact = new Set(names)
  const hosts = new Set(names.map(withoutPort))
  return {
    hasAuthority(authority, scheme) {
      const lower = authority.toLowerCase()
      const host = withoutPort(lower)
      if (exact.has(lower) || exact.has(host)) return true
      const port = scheme.toLowerCase() === 'https' ? '443' : '80'
      if (lower === host || lower === `${host}:`) return exact.has(`${host}:${port}`)
      return false
    },
    hasHost: (host) => hosts.has(host.toLowerCase()),
  }
}

function withoutPort(authority: string): string {
  return authority.replace(/:\d*$/, '')
}
