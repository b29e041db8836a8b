/** A message for the next page that shows one, with the page it is about. */
export type Flash = { readonly text: string; readonly path?: string }

/** What the server remembers of one browser. */
export type Session = {
  readonly id: string
  /** Every form carries it and every POST is refused without it. */
  readonly csrf: string
  flash: Flash | undefined
  lastSeen: number
}

export type Sessions = {
  /** The session of that id, or undefined where it never was or has expired. */
  find(id: string): Session | undefined
  create(): Session
}

export type SessionOptions = {
  readonly now: () => number
  /** An unguessable string, different at every call. */
  readonly newToken: () => string
  readonly idleMs?: number
  readonly limit?: number
}

/** Sessions in memory, as the monolith always had them: gone with the process, so its users are bound to it. */
export function createSessions({ now, newToken, idleMs = 30 * 60_000, limit = 10_000 }: SessionOptions): Sessions {
  // A Map keeps insertion order and every use puts a session at the end: the first one is the longest unused.
  const sessions = new Map<string, Session>()

  const dropOldest = (): void => {
    for (const [id, session] of sessions) {
      if (sessions.size < limit && now() - session.lastSeen < idleMs) return
      sessions.delete(id)
    }
  }

  return {
    find(id) {
      const session = sessions.get(id)
      if (session === undefined) return undefined
      sessions.delete(id)
      if (now() - session.lastSeen >= idleMs) return undefined
      session.lastSeen = now()
      sessions.set(id, session)
      return session
    },
    create() {
      dropOldest()
      const session: Session = { id: newToken(), csrf: newToken(), flash: undefined, lastSeen: now() }
      sessions.set(session.id, session)
      return session
    },
  }
}
