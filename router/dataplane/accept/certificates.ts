import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Credentials } from '../../kernel/tls/credentials.ts'
import { hostNames } from '../../kernel/tls/names.ts'

/** Which certificate a client gets that asks for a host (SNI, RFC 6066 §3). */
export class Certificates {
  /** For clients that name no host. */
  readonly first: SecureContextOptions
  readonly #exact = new Map<string, SecureContext>()
  /** By what stands behind the `*`: `.shop.test`. */
  readonly #wildcards = new Map<string, SecureContext>()

  /** Of two certificates for one name the first wins. Each gets a context of its own, with `shared` settings. */
  constructor(all: readonly [Credentials, ...Credentials[]], shared: SecureContextOptions) {
    const [first] = all
    this.first = { ...shared, cert: first.cert, key: first.key }
    for (const { cert, key, leaf } of all) {
      const context = createSecureContext({ ...shared, cert, key })
      for (const name of hostNames(leaf)) this.#add(name, context)
    }
  }

  /** The one that names the host, exactly before by wildcard (one label, RFC 6125 §6.4.3); undefined: none does. */
  find(host: string): SecureContext | undefined {
    const name = host.toLowerCase()
    const dot = name.indexOf('.')
    return this.#exact.get(name) ?? (dot > 0 ? this.#wildcards.get(name.slice(dot)) : undefined)
  }

  #add(name: string, context: SecureContext): void {
    const [names, key] = name.startsWith('*.') ? [this.#wildcards, name.slice(1)] : [this.#exact, name]
    if (!names.has(key)) names.set(key, context)
  }
}
