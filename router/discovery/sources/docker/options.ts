/** `docker:` of an upstream. */
export type ContainersOptions = {
  /** `app=vets`, or `app` whatever its value. */
  readonly label: string
  /** Port inside the containers; undefined: their only one. */
  readonly port: number | undefined
}

/** `docker:` at the top of the file. */
export type DockerSettings = {
  /** Undefined: the one that the docker command speaks to. */
  readonly engine?: EngineAddress
  /** Name of the network in which containers are reached; undefined: found out. */
  readonly network?: string
  /** Whether containers with the label `banyan.upstream` are upstreams. */
  readonly upstreams: boolean
}

/** Where an engine listens. */
export type EngineAddress = { readonly socket: string } | { readonly host: string; readonly port: number }
