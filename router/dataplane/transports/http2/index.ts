import type { Transport } from '../index.ts'
import { SessionPool } from './pool.ts'

/** HTTP/2 to an address: by prior knowledge in plain, by ALPN with TLS. */
export const http2: Transport = {
  kind: 'http2',
  open: (host, port, { dial, wheel }) => new SessionPool(dial, host, port, wheel),
}
