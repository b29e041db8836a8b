import type { Transport } from '../index.ts'
import { Pool } from './pool.ts'

/** HTTP/1.1 to an address, in plain or by TLS. */
export const http: Transport = {
  kind: 'http',
  // Node, Apache and others close an idle connection after 5 s. Ours go first, so that a request that must not be
  // sent twice is not lost to a connection that its server is just closing.
  open: (host, port, { dial, wheel }) => new Pool(dial, host, port, wheel, { idleMs: 4000, examine: undefined }),
}
