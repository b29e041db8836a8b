import type { Clock } from '../../../kernel/clock.ts'
import type { Log } from '../../../kernel/log.ts'
import { own } from '../../../kernel/own.ts'
import { arrayOf, type JsonObject, objectOf, textOf } from '../../json.ts'
import { type Api, ApiProblem } from './api.ts'
import { pause, pauseAfter } from './pause.ts'
import { pathOf, permissionWords, type Resource, resourceWords } from './resources.ts'
import type { Standing } from './standing.ts'

/** All objects of one resource in one namespace, or in all of them. */
export type Watched<T> = {
  /** By `namespace/name`; what was last known while the server is away. */
  objects(): ReadonlyMap<string, T>
  standing(): Standing
  close(): Promise<void>
}

export type WatchOptions<T> = {
  readonly api: Api
  readonly resource: Resource
  /** Empty: every namespace. */
  readonly namespace: string
  /** Undefined: every object. */
  readonly labelSelector?: string | undefined
  /** What is kept of an object; undefined: nothing. */
  readonly read: (object: JsonObject) => T | undefined
  /** Objects or standing are others now; called once for a piece of the stream, however much was in it. */
  readonly changed: () => void
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

/** Objects in one answer to a list. */
const PAGE = 500
/** After this time, up to twice, the server ends a watch: so that a route to it which broke unnoticed does not matter long. */
const WATCH_MS = 240_000
/** A server that ends a watch sooner is not asked again at once. */
const SHORT_MS = 1_000
/** What is left to the server after it should have ended a watch. */
const LATE_MS = 30_000
/** A watch that expires again within this time is no matter of course. */
const EXPIRY_MS = 30_000

/**
 * Lists, then watches from there, until closed. A stream that ends is continued where it ended; after anything that
 * goes wrong, an expired watch included (410, alone or inside a stream), everything is listed again. Whatever was
 * known stays until the new list is complete.
 */
export function startWatch<T>(options: WatchOptions<T>): Watched<T> {
  const { api, resource, namespace, labelSelector, read, changed, clock, random, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const selector = labelSelector === undefined ? {} : { labelSelector }
  let objects = new Map<string, T>()
  let confirmedAt: number | undefined
  let problem: Standing['problem']
  let misses = 0
  let expiredAt = Number.NEGATIVE_INFINITY
  let doing = 'list'
  const what = () => `${doing} ${resourceWords(resource, namespace)}`
  const running = run()

  return {
    objects: () => objects,
    standing: () => ({
      what: what(),
      confirmedAt: problem === undefined && confirmedAt !== undefined ? clock.now() : confirmedAt,
      problem,
    }),
    close() {
      stopping.abort()
      return running
    },
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const path = await pathOf(resource, namespace, api, signal)
        let version = await list(path)
        while (!signal.aborted) version = await follow(path, version)
      } catch (error) {
        if (!signal.aborted) await pause(stumble(error), clock, signal)
      }
    }
  }

  /** The version that the complete list is of. */
  async function list(path: string): Promise<string> {
    doing = 'list'
    const found = new Map<string, T>()
    let more = ''
    for (;;) {
      const page = await api.get(
        `${path}?${query({ limit: `${PAGE}`, ...selector, ...(more && { continue: more }) })}`,
        signal,
      )
      for (const item of arrayOf(own(page, 'items'))) keep(found, objectOf(item))
      const metadata = objectOf(own(page, 'metadata'))
      more = textOf(own(metadata, 'continue'))
      if (more !== '') continue
      objects = found
      confirm()
      changed()
      return textOf(own(metadata, 'resourceVersion'))
    }
  }

  /** Takes in what happens from this version on, until the server ends the stream; the version it was up to then. */
  async function follow(path: string, from: string): Promise<string> {
    doing = 'watch'
    let version = from
    const began = clock.elapsed()
    const ms = Math.round(WATCH_MS * (1 + random()))
    const asked = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: `${Math.ceil(ms / 1000)}`, ...selector }
    const onLines = (lines: readonly string[]): void => {
      let touched = problem !== undefined
      for (const line of lines) {
        const { type, object, resourceVersion } = eventOf(line)
        if (type !== 'BOOKMARK') touched = true
        if (type === 'DELETED') objects.delete(keyOf(object))
        else if (type !== 'BOOKMARK') keep(objects, object)
        version = resourceVersion || version
      }
      confirm()
      if (touched) changed()
    }
    const deadlineMs = ms + LATE_MS
    await api.stream(`${path}?${query({ ...asked, resourceVersion: from })}`, { signal, deadlineMs, onLines })
    confirmedAt = clock.now()
    if (clock.elapsed() - began < SHORT_MS) await pause(SHORT_MS, clock, signal)
    return version
  }

  function keep(into: Map<string, T>, object: JsonObject): void {
    const kept = read(object)
    if (kept === undefined) into.delete(keyOf(object))
    else into.set(keyOf(object), kept)
  }

  function confirm(): void {
    if (problem !== undefined) log.info(`kubernetes: ${what()}: the API server answers again`)
    misses = 0
    problem = undefined
    confirmedAt = clock.now()
  }

  /** Notes what went wrong; the time to wait before the next try. */
  function stumble(error: unknown): number {
    const status = error instanceof ApiProblem ? error.status : undefined
    if (problem === undefined && confirmedAt !== undefined) confirmedAt = clock.now()
    // Nothing is wrong with a server that has forgotten what was long ago.
    if (status === GONE && clock.elapsed() - expiredAt > EXPIRY_MS) {
      expiredAt = clock.elapsed()
      log.info(`kubernetes: ${what()}: expired, listed again`)
      return 0
    }
    const ms = pauseAfter(misses, random)
    misses += 1
    const told = error instanceof Error ? error.message : String(error)
    const message = status === FORBIDDEN ? `${told}; ${permissionWords(resource, namespace, doing)}` : told
    if (message !== problem?.message) log.warn(`kubernetes: ${what()}: ${message}`)
    problem = { message, at: clock.now(), nextAt: clock.now() + ms }
    changed()
    return ms
  }
}

const GONE = 410
const FORBIDDEN = 403

function query(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString()
}

/** `namespace/name` */
function keyOf(object: JsonObject): string {
  const metadata = objectOf(own(object, 'metadata'))
  return `${textOf(own(metadata, 'namespace'))}/${textOf(own(metadata, 'name'))}`
}

type Event = { readonly type: string; readonly object: JsonObject; readonly resourceVersion: string }

/** Throws for an error inside the stream: its status is that of the request as a whole, although it began with 200. */
function eventOf(line: string): Event {
  const event = objectOf(JSON.parse(line))
  const type = textOf(own(event, 'type'))
  const object = objectOf(own(event, 'object'))
  if (type === 'ERROR')
    throw new ApiProblem(textOf(own(object, 'message')) || 'the watch failed', Number(own(object, 'code')))
  if (!EVENTS.has(type)) throw new ApiProblem(`the watch sent an event of type "${type}", which is not known`)
  return { type, object, resourceVersion: textOf(own(objectOf(own(object, 'metadata')), 'resourceVersion')) }
}

const EVENTS: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])
