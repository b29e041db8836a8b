import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Ports of the clients whose connections to `port` this process holds, as Linux tells it. */
export function clientsOf(pid: number, port: number): ReadonlySet<number> {
  const inodes = socketInodes(pid)
  const clients = new Set<number>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'latin1').split('\n').slice(1)) {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
      if (state === ESTABLISHED && portOf(local) === port && inodes.has(inode)) clients.add(portOf(remote))
    }
  }
  return clients
}

const ESTABLISHED = '01'

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16)
}

function socketInodes(pid: number): ReadonlySet<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}
