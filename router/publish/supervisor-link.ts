import type { FromSupervisor, ToSupervisor } from '../model/link.ts'

/** Control's way to the supervisor that started it. */
export type SupervisorLink = {
  send(message: ToSupervisor): void
  /** Every message from now on; earlier ones wait until somebody listens. */
  onMessage(take: (message: FromSupervisor) => void): void
  /** The supervisor is gone: finish and end. At once, where there never was one. */
  onGone(run: () => void): void
}

/**
 * Speaks over Node's IPC channel. From now on this process ignores SIGINT, SIGTERM and SIGHUP: a Ctrl-C reaches
 * every process of the router, and the supervisor decides who ends when.
 */
export function openSupervisorLink(self: NodeJS.Process): SupervisorLink {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) self.on(signal, () => {})
  // Until somebody listens, nothing else may keep this process alive while it waits: for a router that died, say.
  self.channel?.ref()
  return {
    send(message) {
      // A channel that has just closed is reported by `onGone`.
      self.send?.(message, undefined, undefined, () => {})
    },
    onMessage: (take) => void self.on('message', take),
    onGone(run) {
      if (self.connected) self.on('disconnect', run)
      else run()
    },
  }
}
