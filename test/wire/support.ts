/** What wire tests are made of: a data plane in this process, raw upstreams that record bytes, raw clients. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import { createDataplane, type Dataplane, type DataplaneOptions } from '../../router/dataplane/dataplane.ts'
import { type Clock, systemClock } from '../../router/kernel/clock.ts'
import { silentLog } from '../../router/kernel/log.ts'
import type { Live, PlanEndpoint, PlanRule, PlanSettings, PlanUpstream, Published } from '../../router/model/plan.ts'
import type { Timeouts } from '../../router/model/spec.ts'

const closing: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Runs when the test has ended. */
export function later(close: () => Promise<void> | void): void {
  closing.push(close)
}

/** An upstream on a raw socket. */
export type RawUpstream = {
  readonly port: number
  /** Everything received, one string (latin1) a connection, in the order of connecting. */
  readonly received: string[]
  readonly sockets: Socket[]
  /** Resolves when what was received on all connections satisfies `test`. */
  until(test: (all: string) => boolean): Promise<string>
}

/** Answers each request head with `answer`; a function may answer by hand. */
export async function rawUpstream(
  answer:
    | string
    | ((socket: Socket, head: string, index: number) => void) = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
): Promise<RawUpstream> {
  const received: string[] = []
  const sockets: Socket[] = []
  const waiting = new Set<() => void>()
  let heads = 0
  const server = createServer((socket) => {
    const at = received.push('') - 1
    sockets.push(socket)
    let seen = 0
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      received[at] += bytes.toString('latin1')
      for (;;) {
        const text = received[at] ?? ''
        const end = text.indexOf('\r\n\r\n', seen)
        const start = text.slice(seen)
        if (end < 0 || !/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(start)) break
        const head = text.slice(seen, end + 4)
        const length = Number(/^content-length: *(\d+)\r$/im.exec(head)?.[1] ?? 0)
        seen = end + 4 + length
        if (typeof answer === 'string') socket.write(answer, 'latin1')
        else answer(socket, head, heads++)
      }
      for (const check of waiting) check()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    received,
    sockets,
    until: (test) => waitFor(waiting, () => (test(received.join('')) ? received.join('') : undefined)),
  }
}

/** A client on a raw socket. */
export type RawClient = {
  readonly socket: Socket
  /** Everything received, latin1. */
  readonly text: () => string
  send(bytes: string): void
  /** Resolves with everything received when it satisfies `test`. */
  until(test: RegExp | ((text: string) => boolean)): Promise<string>
  /** Resolves when the router closed: `end` after a FIN, `reset` after an RST. */
  readonly closed: Promise<'end' | 'reset'>
}

export async function client(port: number, bytes = ''): Promise<RawClient> {
  const socket = dial({ port, host: '127.0.0.1', noDelay: true })
  later(() => {
    socket.destroy()
  })
  let text = ''
  const waiting = new Set<() => void>()
  const closed = new Promise<'end' | 'reset'>((resolve) => {
    socket.on('end', () => resolve('end'))
    socket.on('error', () => resolve('reset'))
  })
  socket.on('data', (part) => {
    text += part.toString('latin1')
    for (const check of waiting) check()
  })
  await once(socket, 'connect')
  if (bytes !== '') socket.write(bytes, 'latin1')
  return {
    socket,
    closed,
    text: () => text,
    send: (more) => {
      socket.write(more, 'latin1')
    },
    until: (test) => {
      const holds = typeof test === 'function' ? test : (all: string) => test.test(all)
      return waitFor(
        waiting,
        () => (holds(text) ? text : undefined),
        () => `received so far: ${JSON.stringify(text)}`,
      )
    },
  }
}

/** Sends bytes on a connection of their own; resolves with everything that came when the router closed it. */
export async function talk(port: number, bytes: string): Promise<string> {
  const raw = await client(port, bytes)
  await raw.closed
  return raw.text()
}

/** A request that asks the router to close, so that `talk` returns. */
export function get(path: string, ...fields: string[]): string {
  return `GET ${path} HTTP/1.1\r\n${['Host: shop.test', ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`
}

export type Setup = {
  readonly settings?: Partial<PlanSettings>
  readonly upstreams: Readonly<Record<string, Partial<PlanUpstream> & { readonly ports?: readonly number[] }>>
  /** By default everything goes to the first upstream. */
  readonly rules?: readonly (Partial<PlanRule> & Pick<PlanRule, 'action'>)[]
  readonly live?: Partial<Live>
  readonly revision?: number
}

const TIMEOUTS: Timeouts = { connect: 2000, firstByte: 5000, idle: 5000, total: undefined }

/** What control would publish. */
export function published(setup: Setup): Published {
  const upstreams = Object.entries(setup.upstreams).map(
    ([name, { ports = [], ...over }]): PlanUpstream => ({
      name,
      tier: 'service',
      transport: 'http',
      endpoints: ports.map((port): PlanEndpoint => ({ kind: 'address', host: '127.0.0.1', port, path: '' })),
      timeouts: TIMEOUTS,
      hostHeader: 'preserve',
      rewriteLocation: false,
      rewriteCookies: false,
      ownHosts: [],
      encodedSlash: 'keep',
      ...over,
    }),
  )
  const fallback = {
    id: 'default',
    origin: 'default',
    action: { kind: 'forward', upstream: upstreams[0]?.name ?? '' },
  } as const
  const rules = (setup.rules ?? [fallback]).map(
    (rule, index): PlanRule => ({
      id: `route:${index}`,
      origin: 'route',
      match: {},
      timeouts: {},
      because: 'a test',
      ...rule,
    }),
  )
  return {
    revision: setup.revision ?? 1,
    hash: `hash-${setup.revision ?? 1}`,
    plan: {
      format: 1,
      settings: {
        paths: 'sensitive',
        trustedProxies: [],
        overrides: [],
        lameDuckMs: 0,
        graceMs: 0,
        debug: false,
        ...setup.settings,
      },
      upstreams,
      rules,
    },
    live: { weights: {}, addresses: {}, notices: [], ...setup.live },
  }
}

export const SIGNING_KEY = Buffer.alloc(32, 7)

/** A data plane that serves this plan, and its port. Closed when the test has ended. */
export async function router(
  setup: Setup,
  options: Partial<DataplaneOptions> & { readonly clock?: Clock } = {},
): Promise<{ readonly port: number; readonly plane: Dataplane }> {
  const plane = createDataplane({
    clock: systemClock,
    random: Math.random,
    randomBytes,
    log: silentLog,
    signingKey: SIGNING_KEY,
    ...options,
  })
  later(() => plane.close())
  await plane.apply(published(setup))
  const { port } = await plane.listen({ host: '127.0.0.1', port: 0 })
  return { port, plane }
}

/** Router with one recording upstream. */
export async function routed(
  answer?: Parameters<typeof rawUpstream>[0],
  over: Partial<PlanUpstream> = {},
  setup: Partial<Setup> = {},
  options: Parameters<typeof router>[1] = {},
): Promise<{ readonly port: number; readonly plane: Dataplane; readonly upstream: RawUpstream }> {
  const upstream = await rawUpstream(answer)
  const { port, plane } = await router(
    { upstreams: { clinic: { ports: [upstream.port], ...over } }, ...setup },
    options,
  )
  return { port, plane, upstream }
}

/** Status of the answer that a text begins with. */
export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
}

/** Members of the problem+json body of an error of ours. */
export function problemOf(text: string): { code: string; detail?: string; request_id: string; upstream?: string } {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

/** A promise to be kept from outside. */
export function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((keep) => {
    resolve = keep
  })
  return { promise, resolve }
}

/** Polls a condition that no event announces; fails after five seconds. */
export async function eventually(test: () => boolean): Promise<void> {
  const end = performance.now() + 5000
  while (!test()) {
    if (performance.now() > end) throw new Error('the condition never came true')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A figure that nothing moves any more: the value it has kept for 150 ms. */
export async function settled(read: () => number): Promise<number> {
  let value = read()
  let since = performance.now()
  while (performance.now() - since < 150) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const now = read()
    if (now === value) continue
    value = now
    since = performance.now()
  }
  return value
}

function waitFor(waiting: Set<() => void>, take: () => string | undefined, hint = () => ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(check)
      reject(new Error(`nothing that was waited for came within 5 s; ${hint()}`))
    }, 5000)
    const check = (): void => {
      const found = take()
      if (found === undefined) return
      clearTimeout(timer)
      waiting.delete(check)
      resolve(found)
    }
    waiting.add(check)
    check()
  })
}
