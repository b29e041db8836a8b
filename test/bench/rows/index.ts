import type { Row } from '../row.ts'
import { grpc } from './grpc.ts'
import { hang } from './hang.ts'
import { heads } from './heads.ts'
import { http2 } from './http2.ts'
import { idle } from './idle.ts'
import { memory } from './memory.ts'
import { operations } from './operations.ts'
import { processes } from './processes.ts'
import { proxy } from './proxy.ts'
import { reload } from './reload.ts'
import { routes } from './routes.ts'
import { shift } from './shift.ts'
import { sizes } from './sizes.ts'
import { start } from './start.ts'
import { streams } from './streams.ts'
import { tls } from './tls.ts'

/** Every measurement, in the order of the report. Add yours here. */
export const ROWS: readonly Row[] = [
  proxy,
  heads,
  tls,
  http2,
  grpc,
  routes,
  operations,
  sizes,
  processes,
  idle,
  memory,
  streams,
  hang,
  shift,
  start,
  reload,
]
