import type { ClinicStore } from './database.ts'
import type { Session } from './sessions.ts'

/** One request, as a handler sees it. */
export type PageRequest = {
  readonly method: string
  /** Without trailing slash and path parameters such as `;jsessionid=…`. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The fields of a POSTed form; empty otherwise. */
  readonly form: URLSearchParams
  readonly store: ClinicStore
  /** Today, as YYYY-MM-DD. */
  readonly today: string
  /** The visitor's session, made at the first call. */
  session(): Session
  /** A link for a page: carries `;jsessionid=…` until the browser has shown that it keeps cookies. */
  link(path: string): string
  /** The address of a path on the clinic's own host. */
  absolute(path: string): string
}

/** One response. Header names may repeat. */
export type PageAnswer = {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string
}

/** Thrown by a handler to answer with an error page of that status. */
export class PageError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'PageError'
    this.status = status
  }
}

/** 302 to a path on the clinic's own host: always absolute, as the application server of its time did. */
export function redirect(request: PageRequest, path: string): PageAnswer {
  return { status: 302, headers: [['Location', request.absolute(request.link(path))]], body: '' }
}

/** The number in a path parameter; what is no number is a bad request, as in Spring. */
export function idParam(request: PageRequest, name: string): number {
  const text = request.params[name] ?? ''
  if (!/^\d{1,9}$/.test(text)) throw new PageError(400, `${name} is "${text}"; it must be a number`)
  return Number(text)
}
