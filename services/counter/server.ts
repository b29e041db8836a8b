import { listen, type RunningService, type ServiceOptions } from '../serve.ts'
import { type CounterVersion, createCounter } from './app.ts'
import { memoryCounts, redisCounts } from './counts.ts'

export type StartCounterOptions = ServiceOptions & {
  readonly pod: string
  /** v1 unless given. */
  readonly version?: CounterVersion
  /** `redis://host:port`; without it the counts are in memory. */
  readonly redisUrl?: string | undefined
}

/** Starts the counter, also while its Redis is away. The caller closes it. */
export async function startCounter(options: StartCounterOptions): Promise<RunningService> {
  const { pod, version = 'v1', redisUrl } = options
  const counts = redisUrl === undefined ? memoryCounts() : await redisCounts(redisUrl)
  try {
    const service = await listen(createCounter({ counts, pod, version }), options)
    return {
      ...service,
      async close() {
        await service.close()
        counts.close()
      },
    }
  } catch (error) {
    counts.close()
    throw error
  }
}
