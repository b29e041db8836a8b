import type { EndpointState } from '../admin/control.ts'
import { own } from '../kernel/own.ts'
import type { SourceObservation } from '../model/catalogue.ts'
import type { ConnectedProcess } from '../publish/publisher.ts'
import type { Unhealthy } from './health-checks.ts'

export type StatesInput = {
  readonly upstreams: SourceObservation['upstreams']
  readonly processes: readonly ConnectedProcess[]
  readonly unhealthy: Unhealthy
}

/**
 * How the endpoints of every upstream are: what checks found, what data-plane processes leave alone because it
 * failed, and which are no longer in the plan but still finish requests.
 */
export function createEndpointStates(): (input: StatesInput) => Readonly<Record<string, readonly EndpointState[]>> {
  /** Who an address belonged to, for as long as it may still be draining. */
  let owners = new Map<string, string>()

  return ({ upstreams, processes, unhealthy }) => {
    const draining = new Set(processes.flatMap((one) => one.draining))
    const current = upstreams.flatMap(({ name, endpoints }) =>
      endpoints.map(({ host, port }) => [`${host}:${port}`, name] as const),
    )
    owners = new Map([...[...owners].filter(([address]) => draining.has(address)), ...current])
    const leaving = [...owners].filter(([address]) => draining.has(address))
    const states = upstreams.map(({ name, endpoints }): [string, readonly EndpointState[]] => {
      const failed = (address: string) =>
        processes.filter(({ figures }) => figures?.ejected?.[name]?.includes(address) === true).length
      const present = new Set(endpoints.map(({ host, port }) => `${host}:${port}`))
      const listed = [...present].map((address): EndpointState => {
        const because = reason(own(unhealthy, name)?.[address], failed(address), processes.length)
        return { address, state: because === null ? 'healthy' : 'unhealthy', because }
      })
      const gone = leaving.filter(([address, owner]) => owner === name && !present.has(address))
      const because = 'is no longer configured, and finishes its requests'
      return [name, [...listed, ...gone.map(([address]) => ({ address, state: 'draining' as const, because }))]]
    })
    return Object.fromEntries(states)
  }
}

function reason(unhealthy: string | undefined, ejecting: number, processes: number): string | null {
  if (unhealthy !== undefined) return `its health check fails: ${unhealthy}`
  if (ejecting === 0) return null
  return `it failed again and again; ${ejecting} of ${processes} data-plane processes leave it alone for a while`
}
