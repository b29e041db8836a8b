import { FIELD } from '../../http1/field-kind.ts'
import { Pool } from '../http/pool.ts'
import type { Transport } from '../index.ts'
import { ThrownAnswer } from './thrown-answer.ts'

/**
 * A function in workerd on a loopback port: HTTP, and one thing more. The wrapper around the function marks the
 * answer to a request whose handler threw with a private field; the client gets our 502 and the log the reason.
 */
export const worker: Transport = {
  kind: 'worker',
  // workerd closes idle connections after exactly 5 s.
  open: (host, port, { dial, wheel, log }) =>
    new Pool(dial, host, port, wheel, {
      idleMs: 4000,
      examine: (connection) => {
        if (!connection.head.has(FIELD.functionError) || connection.receiver === undefined) return
        connection.receiver = new ThrownAnswer(connection.receiver, log)
      },
    }),
}
