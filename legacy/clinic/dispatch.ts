import { timingSafeEqual } from 'node:crypto'
import type { ClinicStore } from './database.ts'
import { type PageAnswer, PageError, type PageRequest } from './exchange.ts'
import { html } from './html.ts'
import { page } from './layout.ts'
import type { Session, Sessions } from './sessions.ts'
import { type ClinicRoute, matchRoute } from './table.ts'

/** A request off the wire. */
export type WireRequest = {
  readonly method: string
  /** The request target as sent: path, path parameters and query. */
  readonly target: string
  readonly cookie: string
  /** The fields of a POSTed form; empty otherwise. */
  readonly form: URLSearchParams
}

/** What all requests to one running clinic share. */
export type Clinic = {
  readonly routes: readonly ClinicRoute[]
  readonly store: ClinicStore
  readonly sessions: Sessions
  readonly host: string
  readonly now: () => number
  readonly log: (line: string) => void
}

/** One request from target to answer: session, route, CSRF check, handler; whatever is thrown becomes an error page. */
export function dispatch(clinic: Clinic, wire: WireRequest): PageAnswer {
  const target = splitTarget(wire.target)
  const visitor = visitorOf(clinic.sessions, wire.cookie, target.jsessionid)
  const request = pageRequest(clinic, wire, target, visitor)
  const answer = answerOrErrorPage(clinic, request, target.segments)
  const cookie = visitor.newCookie()
  return cookie === undefined ? answer : { ...answer, headers: [...answer.headers, ['Set-Cookie', cookie]] }
}

type Target = {
  readonly path: string
  /** Decoded; undefined where the encoding is broken. */
  readonly segments: readonly string[] | undefined
  readonly query: URLSearchParams
  readonly jsessionid: string | undefined
}

// Each segment may carry parameters, `/owners;jsessionid=1A2B/1`: they are no part of the path. Empty segments are
// dropped, so `/owners/` and `//owners` are `/owners`.
function splitTarget(target: string): Target {
  const question = target.indexOf('?')
  const rawPath = question < 0 ? target : target.slice(0, question)
  const raw = rawPath.split('/').map((segment) => segment.split(';')[0] ?? '')
  const segments = raw.filter((segment) => segment !== '')
  return {
    path: `/${segments.join('/')}`,
    segments: decodeAll(segments),
    query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
    jsessionid: /;jsessionid=([^;/]+)/i.exec(rawPath)?.[1],
  }
}

function decodeAll(segments: readonly string[]): readonly string[] | undefined {
  try {
    return segments.map(decodeURIComponent)
  } catch {
    return undefined
  }
}

type Visitor = {
  session(): Session
  /** Whether the browser is not known to return cookies. */
  inUrl(): boolean
  /** The Set-Cookie value for a session that this request made. */
  newCookie(): string | undefined
}

function visitorOf(sessions: Sessions, cookie: string, jsessionid: string | undefined): Visitor {
  const byCookie = findFirst(sessions, cookieValues(cookie, 'JSESSIONID'))
  let known = byCookie ?? findFirst(sessions, jsessionid === undefined ? [] : [jsessionid])
  let made = false
  return {
    session() {
      if (known === undefined) {
        known = sessions.create()
        made = true
      }
      return known
    },
    inUrl: () => byCookie === undefined,
    newCookie: () => (made && known ? `JSESSIONID=${known.id}; Path=/; HttpOnly` : undefined),
  }
}

function findFirst(sessions: Sessions, ids: readonly string[]): Session | undefined {
  for (const id of ids) {
    const session = sessions.find(id)
    if (session !== undefined) return session
  }
  return undefined
}

function cookieValues(header: string, name: string): readonly string[] {
  return header.split(';').flatMap((pair) => {
    const [key, value = ''] = pair.trim().split('=', 2)
    return key === name ? [value] : []
  })
}

function pageRequest(clinic: Clinic, wire: WireRequest, target: Target, visitor: Visitor): PageRequest {
  return {
    method: wire.method,
    path: target.path,
    params: {},
    query: target.query,
    form: wire.form,
    store: clinic.store,
    today: new Date(clinic.now()).toISOString().slice(0, 10),
    session: visitor.session,
    link(path) {
      const { id } = visitor.session()
      return visitor.inUrl() ? path.replace(/(?=\?|$)/, `;jsessionid=${id}`) : path
    },
    absolute: (path) => `http://${clinic.host}${path}`,
  }
}

function answerOrErrorPage(clinic: Clinic, request: PageRequest, segments: Target['segments']): PageAnswer {
  try {
    return answer(clinic, request, segments)
  } catch (error) {
    if (error instanceof PageError) return errorPage(request, error.status, error.message)
    const message = error instanceof Error ? error.message : String(error)
    clinic.log(`clinic: ${request.method} ${request.path} failed: ${message}`)
    return errorPage(request, 500, message)
  }
}

function answer(clinic: Clinic, request: PageRequest, segments: Target['segments']): PageAnswer {
  if (segments === undefined) throw new PageError(400, 'The address has a broken percent-encoding.')
  const match = matchRoute(clinic.routes, request.method, segments)
  if (match.kind === 'not_found') throw new PageError(404, 'There is no such page.')
  if (match.kind === 'method_not_allowed') return methodNotAllowed(request, match.allow)
  if (request.method === 'POST' && !hasCsrfToken(request)) {
    throw new PageError(403, 'The form is not from your session, or the session has expired. Open the form again.')
  }
  return match.route.answer({ ...request, params: match.params })
}

// As Spring: a 405 names the methods of the handlers, OPTIONS also those that it answers by itself.
function methodNotAllowed(request: PageRequest, allow: readonly string[]): PageAnswer {
  if (request.method === 'OPTIONS') {
    const all = allow.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    return { status: 200, headers: [['Allow', [...all, 'OPTIONS'].join(',')]], body: '' }
  }
  const refused = errorPage(request, 405, `${request.method} is not supported here.`)
  return { ...refused, headers: [...refused.headers, ['Allow', allow.join(',')]] }
}

function hasCsrfToken(request: PageRequest): boolean {
  const expected = Buffer.from(request.session().csrf)
  const given = Buffer.from(request.form.get('_csrf') ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function errorPage(request: PageRequest, status: number, message: string): PageAnswer {
  const title = status === 404 ? 'Not found' : 'Something happened…'
  const main = html`<h1>${title}</h1>
<p>${message}</p>
<p>Status ${status}. <a href="${request.link('/')}">Home</a></p>`
  return page(request, { title, main, status })
}
