import { listen, type RunningService, type ServiceOptions } from '../serve.ts'
import { createVets } from './app.ts'

/** Starts the vets service. The caller closes it. */
export function startVets(options: ServiceOptions): Promise<RunningService> {
  return listen(createVets(), options)
}
