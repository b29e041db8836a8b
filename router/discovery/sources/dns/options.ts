/** `dns:` of an upstream. */
export type DnsOptions = {
  /** A host name, or that of a service: `_http._tcp.clinic.internal`. */
  readonly name: string
  /** Undefined: the name's SRV records say. */
  readonly port: number | undefined
}

/** `dns:` at the top of the file. */
export type DnsSettings = {
  /** `IP` or `IP:PORT`; empty: those of the machine. */
  readonly servers: readonly string[]
}
