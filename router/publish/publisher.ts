import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { FromDataplane, ProcessFigures, TrafficCounts } from '../model/link.ts'
import type { Live, Plan, Published } from '../model/plan.ts'
import { createEdition, type Edition, renumber } from './edition.ts'
import { createKeeper } from './keeper.ts'
import { openPeerSocket, type Peer } from './peers.ts'
import { createRoster, type Settlement } from './roster.ts'
import type { FolderFailure, StateFolder } from './state-folder.ts'

/**
 * Control's end of the link: makes every data-plane process serve the newest revision, and knows when each does.
 *
 *   publish → one edition → every process → acknowledgements
 *                         ↘ plan.json, live.json
 */
export type Publisher = {
  /**
   * Makes a revision of these and resolves when every process serves it or a later one, and it is on disk. A
   * process that is silent for two seconds is replaced. The same plan and live again: no new revision.
   */
  publish(plan: Plan, live: Live): Promise<Publication>
  /** The pids the supervisor has running; a publication waits for each of them, connected or not. */
  expectProcesses(pids: readonly number[]): void
  /**
   * Resolves true when no process has requests in flight to any of these addresses (`host:port`), false after
   * `deadlineMs`. Publish a plan without them first.
   */
  drained(addresses: readonly string[], deadlineMs: number): Promise<boolean>
  /** Resolves true when no process is connected any more, false after `deadlineMs`. */
  deserted(deadlineMs: number): Promise<boolean>
  current(): Published | undefined
  connected(): readonly ConnectedProcess[]
  /** Why what is served cannot be kept on disk; undefined: it is kept. `failureChanged` tells when that changes. */
  failure(): FolderFailure | undefined
  /** Ends the connections; the processes serve on. What is being kept is kept first. */
  close(): Promise<void>
}

/**
 * `acknowledged` processes serve it, `replaced` ones were silent and are ended, `refused` ones could not build it
 * and serve on with the one before.
 */
export type Publication = Settlement & { readonly revision: number; readonly hash: string }

export type ConnectedProcess = {
  readonly pid: number
  /** What it serves; 0: nothing yet. */
  readonly revision: number
  readonly draining: readonly string[]
  readonly figures: ProcessFigures | undefined
}

export type PublisherOptions = {
  readonly folder: StateFolder
  readonly log: Log
  readonly clock: Clock
  /** The highest revision known from before; the next one is above it. */
  readonly initialRevision: number
  onCounts(pid: number, counts: TrafficCounts): void
  /** Asks the supervisor to end this process and start another. */
  requestReplace(pid: number): void
  failureChanged(): void
  /** The whole router's figures as Prometheus text, for a process that is asked for /metrics. */
  metrics(): Promise<string>
}

/** Listens on the control socket. Rejects where no socket can be made, with the paths that were tried. */
export async function createPublisher(options: PublisherOptions): Promise<Publisher> {
  const { folder, log, clock } = options
  const keeper = createKeeper(folder, clock, log, options.failureChanged)
  const roster = createRoster({ clock, log, requestReplace: options.requestReplace })
  const peers = new Map<number, Peer>()
  let revision = options.initialRevision
  let edition: Edition | undefined

  const socket = await openPeerSocket({ paths: folder.paths.sockets, log, onHello: welcome, onMessage: hear, onClose })

  function welcome(peer: Peer): void {
    peers.set(peer.pid, peer)
    // A process may know a later revision than we do, where ours could not be kept. Revisions never fall.
    const foreign = peer.revision > revision
    roster.connected(peer.pid, foreign ? 0 : peer.revision)
    if (foreign) revision = peer.revision
    if (edition === undefined) return
    if (foreign) void send(renumber(edition, ++revision))
    else peer.send(edition)
  }

  function hear(peer: Peer, message: FromDataplane): void {
    const { pid } = peer
    if (message.kind === 'ack') roster.acknowledged(pid, message.revision, message.draining)
    else if (message.kind === 'draining') roster.draining(pid, message.draining)
    else if (message.kind === 'metrics') void answerMetrics(peer, message.id)
    else if (message.kind === 'counts') {
      roster.figures(pid, message.figures)
      options.onCounts(pid, message.counts)
    } else if (message.kind === 'refused') {
      log.error(`data-plane process ${pid} refused revision ${message.revision}: ${message.reason}`)
      roster.refused(pid, message.revision)
    }
  }

  async function answerMetrics(peer: Peer, id: number): Promise<void> {
    try {
      peer.answer({ kind: 'metrics', id, text: await options.metrics() })
    } catch (error) {
      // Without an answer the process gives its own figures.
      log.error('the figures of the router could not be told', { error })
    }
  }

  function onClose(peer: Peer): void {
    // It may have dialled again before the old connection was seen to be closed.
    if (peers.get(peer.pid) !== peer) return
    peers.delete(peer.pid)
    roster.disconnected(peer.pid)
  }

  function send(next: Edition): Promise<void> {
    edition = next
    for (const peer of peers.values()) peer.send(next)
    return keeper.keep(next)
  }

  return {
    async publish(plan, live) {
      const next = createEdition(revision + 1, plan, live, edition)
      if (next.contentHash !== edition?.contentHash) {
        revision += 1
        void send(next)
      }
      const { published } = edition ?? next
      const [settlement] = await Promise.all([roster.settled(published.revision), keeper.keep(edition ?? next)])
      return { revision: published.revision, hash: published.hash, ...settlement }
    },
    expectProcesses: roster.expect,
    drained: (addresses, deadlineMs) =>
      roster.until((all) => !all.some(({ draining }) => draining.some((one) => addresses.includes(one))), deadlineMs),
    deserted: (deadlineMs) => roster.until((all) => !all.some(({ connected }) => connected), deadlineMs),
    current: () => edition?.published,
    connected: () =>
      roster
        .members()
        .filter(({ connected }) => connected)
        .map(({ pid, revision: serves, draining, figures }) => ({ pid, revision: serves, draining, figures })),
    failure: keeper.failure,
    async close() {
      await keeper.close()
      await socket.close()
    },
  }
}
