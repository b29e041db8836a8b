import type { Address } from '../model/spec.ts'
import { ListenError, type Listener, openListener } from './listeners.ts'

/** Every address the router was asked to listen on. */
export type Addresses = { readonly listen: readonly Address[]; readonly status: Address }

/** The sockets of those addresses, in the same order. */
export type Bindings = { readonly listen: readonly Listener[]; readonly status: Listener }

/** Which address could not be bound, and why in words. */
export type Refusal = { readonly kind: 'refused'; readonly address: Address; readonly message: string }

/** The ports the supervisor holds, each bound once for as long as it is wanted. */
export type Ports = {
  /** Binds what is not bound yet. Refused: nothing has changed. */
  bind(wanted: Addresses): Promise<{ readonly kind: 'bound'; readonly bindings: Bindings } | Refusal>
  /** Gives up every socket that these addresses do not need. */
  keepOnly(wanted: Addresses): void
  close(): void
}

/** Holds nothing until `bind`. */
export function createPorts(): Ports {
  const held = new Map<string, Listener>()

  async function bind(wanted: Addresses): ReturnType<Ports['bind']> {
    const places = placesOf(wanted)
    const missing = places.filter(({ id }) => !held.has(id))
    const opened = await Promise.allSettled(missing.map(({ address, key }) => openListener(address, key)))
    const failed = opened.findIndex((result) => result.status === 'rejected')
    if (failed >= 0) {
      for (const result of opened) if (result.status === 'fulfilled') result.value.close()
      return refusal(missing[failed]?.address ?? wanted.status, opened[failed])
    }
    for (const [index, result] of opened.entries()) {
      const id = missing[index]?.id
      if (id !== undefined && result.status === 'fulfilled') held.set(id, result.value)
    }
    const bound = places.flatMap(({ id }) => held.get(id) ?? [])
    const [status] = bound.slice(-1)
    if (status === undefined) throw new Error('an address that was bound is not held')
    return { kind: 'bound', bindings: { listen: bound.slice(0, -1), status } }
  }

  function keepOnly(wanted: Addresses): void {
    const ids = new Set(placesOf(wanted).map(({ id }) => id))
    for (const [id, listener] of held) {
      if (ids.has(id)) continue
      held.delete(id)
      listener.close()
    }
  }

  return {
    bind,
    keepOnly,
    close() {
      for (const listener of held.values()) listener.close()
      held.clear()
    },
  }
}

/** Each address with its identity and the key it was configured by; the status address last. */
function placesOf({ listen, status }: Addresses): { id: string; key: string; address: Address }[] {
  const places = [
    ...listen.map((address, index) => ({ key: `listen[${index}]`, address })),
    { key: 'status', address: status },
  ]
  const seen = new Map<string, number>()
  return places.map(({ key, address }) => {
    const name = `${address.host ?? '*'} ${address.port}`
    if (address.port !== 0) return { id: name, key, address }
    // Port 0 may be asked for more than once, and each is a port of its own.
    const turn = seen.get(name) ?? 0
    seen.set(name, turn + 1)
    return { id: key === 'status' ? `${name} status` : `${name} ${turn}`, key, address }
  })
}

function refusal(address: Address, result: PromiseSettledResult<Listener> | undefined): Refusal {
  const reason: unknown = result?.status === 'rejected' ? result.reason : undefined
  if (!(reason instanceof ListenError)) throw reason
  return { kind: 'refused', address, message: reason.message }
}
