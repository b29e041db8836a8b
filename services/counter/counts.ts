/** Where the visits are counted. */
export type Counts = {
  /** What the answer calls it. */
  readonly name: 'Redis' | 'memory'
  /** Counts one visit and gives the number so far; rejects where the store is away. */
  next(): Promise<number>
  ready(): Promise<boolean>
  close(): void
}

/** Counts that end with the process. */
export function memoryCounts(): Counts {
  let count = 0
  return {
    name: 'memory',
    next: () => Promise.resolve(++count),
    ready: () => Promise.resolve(true),
    close: () => {},
  }
}

/** Counts under the key `counter` of a Redis, shared by every pod. Opens a connection, which comes back by itself. */
export async function redisCounts(url: string): Promise<Counts> {
  const { Redis } = await import('ioredis')
  // With ioredis's defaults a command waits for as long as Redis is away; a visitor must hear within half a second.
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 500,
    commandTimeout: 500,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  })
  // Redis may be away at start and at any time: readiness says so, and the retry strategy brings it back.
  redis.on('error', () => {})
  await redis.connect().catch(() => {})
  return {
    name: 'Redis',
    next: () => redis.incr('counter'),
    ready: () =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    close: () => redis.disconnect(),
  }
}
