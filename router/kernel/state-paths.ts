import { createHash } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where everything in a state folder is. The control process makes it, data-plane processes find it. */
export type StatePaths = {
  readonly folder: string
  readonly database: string
  readonly plan: string
  readonly live: string
  readonly signingKey: string
  /** Who runs on this folder: owner and children. */
  readonly run: string
  /** Where control may listen, best first; the second serves where the folder's path is too long or read-only. */
  readonly sockets: readonly string[]
}

/** `folder` is absolute. The same folder gives the same paths in every process of one user. */
export function statePaths(folder: string, temporary = tmpdir()): StatePaths {
  const own = join(folder, 'control.sock')
  return {
    folder,
    database: join(folder, 'state.db'),
    plan: join(folder, 'plan.json'),
    live: join(folder, 'live.json'),
    signingKey: join(folder, 'signing.key'),
    run: join(folder, 'run.json'),
    sockets: [...(Buffer.byteLength(own) <= SOCKET_PATH_LIMIT ? [own] : []), join(temporaryFolder(), 'control.sock')],
  }

  function temporaryFolder(): string {
    const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
    return join(temporary, `banyan-${process.getuid?.() ?? 0}-${name}`)
  }
}

/**
 * True where only this user can have put the socket there. Everyone may write to the temporary folder: without
 * this check another user could offer data-plane processes a plan of their own.
 */
export function isPrivate(socket: string): boolean {
  const stat = lstatSync(dirname(socket), { throwIfNoEntry: false })
  if (stat === undefined || !stat.isDirectory()) return false
  return (stat.mode & 0o022) === 0 && stat.uid === (process.getuid?.() ?? stat.uid)
}

// The kernel takes 108 bytes on Linux and 104 on macOS.
const SOCKET_PATH_LIMIT = 100
