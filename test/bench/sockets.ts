import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** How many connections that were accepted on this port the process holds now. */
export function connectionsOf(pid: number, port: number): number {
  const accepted = acceptedSockets(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'), port)
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => accepted.has(inodeOf(`/proc/${pid}/fd/${fd}`))).length
}

/** The inodes of the established connections in /proc/net/tcp whose own end is this port. */
export function acceptedSockets(text: string, port: number): ReadonlySet<string> {
  const rows = text.split('\n').map((line) => line.trim().split(/ +/))
  const accepted = rows.filter(
    ([, local = '', , state]) => state === ESTABLISHED && Number.parseInt(local.split(':')[1] ?? '', 16) === port,
  )
  return new Set(accepted.map((columns) => columns[9] ?? ''))
}

function inodeOf(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? 'no socket'
  } catch {
    // It was closed since the folder was listed.
    return 'no socket'
  }
}

const ESTABLISHED = '01'
