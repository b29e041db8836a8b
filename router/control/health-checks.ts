import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { ObservedEndpoint, SourceObservation } from '../model/catalogue.ts'
import type { HealthSpec, Spec, UpstreamSpec } from '../model/spec.ts'
import type { Probe } from './health-probe.ts'

/**
 * Active checks, made here once for all data-plane processes. An endpoint is taken to be well until its checks have
 * failed so often, except those that were known to be unhealthy when control was started.
 */
export type HealthChecks = {
  /** Checks what this spec asks for where `sources` find it, from now on. */
  update(spec: Spec, sources?: readonly SourceObservation[]): void
  /** Why, by upstream and address (`host:port`), for those that are unhealthy now. */
  unhealthy(): Unhealthy
  close(): void
}

export type Unhealthy = Readonly<Record<string, Readonly<Record<string, string>>>>

export type HealthOptions = {
  readonly probe: (probe: Probe) => Promise<string | undefined>
  /** Addresses by upstream that were unhealthy when this router last served. */
  readonly remembered: Readonly<Record<string, readonly string[]>>
  readonly clock: Clock
  /** Numbers in [0, 1): spreads the checks. */
  readonly random: () => number
  readonly log: Log
  /** `unhealthy` says something else now. */
  changed(): void
}

type Check = {
  readonly upstream: string
  readonly address: string
  readonly health: HealthSpec
  readonly probe: Probe
  /** Results in a row that disagree with what it is taken to be. */
  streak: number
  /** Why it is unhealthy; undefined: it is well. */
  reason: string | undefined
  cancel(): void
}

/** Asks nobody until `update`. */
export function createHealthChecks(options: HealthOptions): HealthChecks {
  const { clock, random, log } = options
  let checks = new Map<string, Check>()

  function start(check: Check, waitMs: number): void {
    check.cancel = clock.after(waitMs, () => void run(check))
  }

  async function run(check: Check): Promise<void> {
    // What cannot even be asked fails like what is not answered: nobody waits for this promise.
    const reason = await options.probe(check.probe).catch((error: Error) => error.message)
    // Meanwhile the configuration may have dropped it, or made it another check.
    if (checks.get(keyOf(check)) !== check) return
    judge(check, reason)
    // Up to a tenth more or less, so that many routers do not ask in step.
    start(check, check.health.intervalMs * (0.9 + 0.2 * random()))
  }

  function judge(check: Check, reason: string | undefined): void {
    const agrees = (reason === undefined) === (check.reason === undefined)
    check.streak = agrees ? 0 : check.streak + 1
    const { healthyAfter, unhealthyAfter } = check.health
    if (agrees || check.streak < (reason === undefined ? healthyAfter : unhealthyAfter)) return
    check.streak = 0
    check.reason = reason
    const subject = `upstream "${check.upstream}": ${check.address}`
    if (reason === undefined) log.info(`${subject} is healthy again`)
    else log.warn(`${subject} is unhealthy: ${asked(check.health)} failed ${unhealthyAfter} times, ${reason}`)
    options.changed()
  }

  function update(spec: Spec, sources: readonly SourceObservation[] = []): void {
    const next = new Map<string, Check>()
    const sighted = new Map(sources.flatMap(({ upstreams }) => upstreams.map((one) => [one.name, one.endpoints])))
    for (const upstream of spec.upstreams) {
      for (const check of checksOf(upstream, sighted.get(upstream.name) ?? [], options.remembered)) {
        const known = checks.get(keyOf(check))
        if (known === undefined) next.set(keyOf(check), check)
        else if (sameHealth(known.health, check.health)) next.set(keyOf(check), known)
        else next.set(keyOf(check), { ...check, reason: known.reason })
      }
    }
    for (const [key, check] of checks) if (next.get(key) !== check) check.cancel()
    const fresh = [...next].filter(([key, check]) => checks.get(key) !== check)
    checks = next
    for (const [, check] of fresh) start(check, random() * Math.min(FIRST_MS, check.health.intervalMs))
  }

  return {
    update,
    unhealthy() {
      const found: Record<string, Record<string, string>> = {}
      for (const { upstream, address, reason } of checks.values()) {
        if (reason !== undefined) found[upstream] = { ...found[upstream], [address]: reason }
      }
      return found
    },
    close() {
      for (const check of checks.values()) check.cancel()
      checks = new Map()
    },
  }
}

/** Within this time every endpoint is asked for the first time. */
const FIRST_MS = 1_000

function keyOf({ upstream, probe }: Check): string {
  const { host, port, path, authority, tls, grpc, http2 } = probe
  return `${upstream} ${host} ${port} ${path} ${authority} ${JSON.stringify([tls, grpc, http2])}`
}

function asked({ grpc, path }: HealthSpec): string {
  return grpc === undefined ? `GET ${path}` : `the check by grpc.health.v1`
}

function sameHealth(one: HealthSpec, other: HealthSpec): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function checksOf(
  { name, health, urls, source, hostHeader, tls, protocol }: UpstreamSpec,
  sighted: readonly ObservedEndpoint[],
  remembered: HealthOptions['remembered'],
): Check[] {
  if (health === undefined) return []
  const endpoints: readonly ObservedEndpoint[] = source === undefined ? urls : sighted
  return endpoints.map(({ host, port, path, authority: named }) => {
    const address = `${host}:${port}`
    const bracketed = host.includes(':') ? `[${host}]` : host
    const own = named ?? (port === (tls ? 443 : 80) ? bracketed : `${bracketed}:${port}`)
    const authority = typeof hostHeader === 'object' ? hostHeader.name : own
    const reason = remembered[name]?.includes(address) === true ? 'unhealthy when the router last served' : undefined
    const secure = tls && (named === undefined ? tls : { serverName: named.replace(/:\d*$/, ''), ...tls })
    const { timeoutMs } = health
    const { grpc } = health
    const probe: Probe = {
      ...{ host, port, path: path + health.path, authority, timeoutMs },
      ...(secure && { tls: secure }),
      ...(grpc && { grpc }),
      http2: grpc !== undefined || protocol !== undefined,
    }
    return { upstream: name, address, health, probe, streak: 0, reason, cancel() {} }
  })
}
