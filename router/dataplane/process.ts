import { createDataplane } from './dataplane.ts'
import { startProcess } from './start.ts'

/** Root of a data-plane process, which the supervisor starts. */
await startProcess(createDataplane)
