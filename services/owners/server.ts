import { listen, type RunningService, type ServiceOptions } from '../serve.ts'
import { createOwners } from './app.ts'

/** Starts the owners service. The caller closes it. */
export function startOwners(options: ServiceOptions): Promise<RunningService> {
  return listen(createOwners(), options)
}
