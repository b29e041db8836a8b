import type { CertificateFiles } from '../kernel/tls/credentials.ts'
import type { Position } from './diagnostic.ts'

/**
 * What the user wrote, decoded: environment expanded, defaults applied, durations in milliseconds, paths
 * absolute, every part with its position. Plain frozen data; secrets stay references.
 */
export type Spec = {
  /** Absolute path of the file. */
  readonly file: string
  /** Hash of the file's bytes; changes when the file does. */
  readonly fileHash: string
  readonly listen: readonly ListenerSpec[]
  readonly admin: Address & { readonly tokens: readonly AdminToken[] }
  readonly status: Address
  /** Number of data-plane processes. */
  readonly processes: number
  readonly state: StateSpec
  readonly trustedProxies: readonly string[]
  readonly overrides: { readonly from: readonly string[] }
  readonly defaultUpstream: string | undefined
  readonly paths: 'sensitive' | 'insensitive'
  readonly lameDuckMs: number
  readonly graceMs: number
  readonly debug: boolean
  readonly upstreams: readonly UpstreamSpec[]
  /** Options of sources at the top of the file (`docker: true`); absent: none are written. */
  readonly sources?: readonly SourceSettings[]
  /** Absolute path of the functions folder. */
  readonly functions: string | undefined
  readonly routes: readonly RouteSpec[]
}

/** `host` undefined: all addresses. Port 0: any free one. */
export type Address = { readonly host: string | undefined; readonly port: number }

export type ListenerSpec = Address & ListenerOptions

/** What is done on the connections of a listener before any request. Paths of files are absolute. */
export type ListenerOptions = {
  /** Absent: HTTP in plain. */
  readonly tls?: ListenerTls
  /** Peers (CIDR blocks) that say in a PROXY header for whom they connect; absent: nobody does. */
  readonly proxyProtocol?: { readonly from: readonly string[] }
  /** The TLS port that requests are sent to instead of being served; absent: they are served. */
  readonly redirectToTls?: { readonly port: number }
}

export type ListenerTls = {
  /** The first is for clients that name no host, or one that is in none of them. */
  readonly certificates: readonly CertificateFiles[]
  readonly minVersion: '1.2' | '1.3'
  /** What becomes of a client that asks for a host that no certificate names. */
  readonly unknownNames: 'default' | 'reject'
  /** Absent: clients are not asked for one. `required` false: one that sends none is served all the same. */
  readonly clientCertificates?: { readonly ca: string; readonly required: boolean }
  /** Value of Strict-Transport-Security; absent: none is sent. */
  readonly hsts?: string
}

/** How `https:` addresses of an upstream are spoken to. Paths of files are absolute. */
export type UpstreamTls = {
  /** Absent: the authorities that Node knows. */
  readonly ca?: string
  /** What the router shows; absent: nothing. */
  readonly certificate?: CertificateFiles
  /** Absent: the host of the address. */
  readonly serverName?: string
  /** False: any certificate will do. */
  readonly verify: boolean
}

/** `token` is a reference (`file:PATH`, absolute) or the value an environment variable gave. */
export type AdminToken = { readonly name: string; readonly token: string; readonly role: 'read' | 'operate' }

/** `folder` is the state folder: the lock, the last good plan and the sockets are in it too. */
export type StateSpec = { readonly kind: 'sqlite'; readonly path: string; readonly folder: string }

export type Tier = 'legacy' | 'service' | 'function'

export type UpstreamSpec = {
  readonly name: string
  readonly at: Position
  readonly tier: Tier
  /** Empty where a source finds its endpoints. */
  readonly urls: readonly UpstreamUrl[]
  /** Who finds its endpoints; absent: they are `urls`. */
  readonly source?: SourceSpec
  readonly discover: DiscoverSpec
  readonly timeouts: Timeouts
  readonly hostHeader: 'preserve' | 'upstream' | { readonly name: string }
  readonly rewriteLocation: boolean
  readonly rewriteCookies: boolean
  /** Names by which the application knows itself, lower case, with port where one was written. */
  readonly ownHosts: readonly string[]
  /** Absent: `keep` for what falls to it as the default upstream where its tier is legacy, else `reject`. */
  readonly encodedSlash?: 'keep' | 'reject'
  /** Absent: least-requests. */
  readonly balance?: Balance
  /** Absent: the usual figures; false: nothing is ejected. */
  readonly outlier?: OutlierSpec | false
  /** Absent: no active checks. */
  readonly health?: HealthSpec
  /** Absent: it is spoken to in plain. */
  readonly tls?: UpstreamTls
  /** Spoken to in HTTP/2: with TLS, or by prior knowledge in plain; absent: in HTTP/1.1. */
  readonly protocol?: 'h2' | 'h2c'
  /** Absent: no limits. */
  readonly circuit?: CircuitSpec
  readonly retry?: RetrySpec
}

/** A kind of source, and what it is asked for, as plain JSON. */
export type SourceSpec = { readonly kind: string; readonly options: unknown }

/** `discovers`: it finds upstreams that the file does not name. */
export type SourceSettings = SourceSpec & { readonly discovers: boolean }

/** How requests are spread over the endpoints of an upstream. */
export type Balance =
  | { readonly kind: 'least-requests' | 'random' | 'round-robin' }
  | { readonly kind: 'hash'; readonly by: HashKey }

/** When an endpoint that fails is left alone (ejected), each data-plane process for itself. */
export type OutlierSpec = {
  /** Failures in a row. */
  readonly consecutive: number
  /** For how long the first time; each time soon after is twice as long. */
  readonly baseEjectionMs: number
  /** Share of the endpoints that may be away at once. */
  readonly maxEjected: number
  /** Whether answers 502, 503 and 504 count. */
  readonly gatewayErrors: boolean
}

/** Active checks of every endpoint, by control. Answers in a row that it takes to change its mind. */
export type HealthSpec = {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Asked by grpc.health.v1, for this service ('': the whole server); `path` is that of the call then. */
  readonly grpc?: { readonly service: string }
  readonly healthyAfter: number
  readonly unhealthyAfter: number
}

/** Limits of one router, which its data-plane processes divide. */
export type CircuitSpec = {
  /** Connections to the upstream at once. */
  readonly maxConnections: number
  /** Requests that wait for one. */
  readonly maxPending: number
}

/** How often a request is tried where nothing of an answer has come and sending it again does no harm. */
export type RetrySpec = { readonly attempts: number }

/** Requests that agree in this go to the same endpoint. The name of a header field is lower case. */
export type HashKey = { readonly kind: 'header' | 'cookie'; readonly name: string } | { readonly kind: 'ip' }

/** An `http:` or `https:` address; `path` is '' or a prefix such as `/app` that every request to it gets. */
export type UpstreamUrl = { readonly host: string; readonly port: number; readonly path: string; readonly at: Position }

/**
 * Which detectors are asked, and where they look, by their kind; undefined: as labels say, else not asked; `off`: not
 * asked, whatever labels say. `on` where there is but one place; else `auto`, a path on the upstream (`/…`), an
 * absolute URL, or `file:/absolute/path`. `traffic: off`: nothing is learned from what passes through; else it is.
 */
export type DiscoverSpec = Readonly<Record<string, string | undefined>>

/** Milliseconds; `total` undefined: none. */
export type Timeouts = {
  readonly connect: number
  readonly firstByte: number
  readonly idle: number
  readonly total: number | undefined
}

export type RouteSpec = {
  /** Identity: `id` as written, else derived from the match (`GET /vets.html`). */
  readonly id: string
  readonly at: Position
  readonly match: RouteMatch
  /** Empty where one of its policies answers. */
  readonly to: string
  /** Present with `shift` only: the incumbent. */
  readonly from: string | undefined
  readonly shift: ShiftSpec | undefined
  readonly capture: boolean
  /** Overrides of the upstream's timeouts. */
  readonly timeouts: Partial<Timeouts>
  /** Instead of the upstream's. */
  readonly retry?: RetrySpec
  /** Absent: none. In no order. */
  readonly policies?: readonly PolicySpec[]
  /** Where each key stands, for messages: `to`, `from`, `path`, `host`, … */
  readonly positions: Readonly<Record<string, Position>>
}

/** Something done to a route's requests and answers: a kind of policy, and its options as plain JSON. */
export type PolicySpec = { readonly kind: string; readonly options: unknown }

/** What a request must look like. `path` is a template, `pathRegex` a linear-time regular expression. */
export type RouteMatch = {
  readonly host?: string
  readonly path?: string
  readonly pathRegex?: string
  /** Upper case, sorted, no duplicates; absent: every method. */
  readonly methods?: readonly string[]
  /** Sorted by name; header names lower case. */
  readonly headers?: readonly FieldMatch[]
  readonly query?: readonly FieldMatch[]
}

export type FieldMatch =
  | { readonly name: string; readonly kind: 'exact'; readonly value: string }
  | { readonly name: string; readonly kind: 'regex'; readonly value: string }
  | { readonly name: string; readonly kind: 'present'; readonly value: boolean }

/** How a route is moved. Weights are fractions that rise, each within (0, 1]. */
export type ShiftSpec = { readonly strategy: 'canary'; readonly steps: readonly number[] }
