import { askFor, ownHostsOf } from './description.ts'
import type { DetectContext } from './detectors/detector.ts'
import { assetsOfPage, linksOfPage } from './links.ts'

/** What the pages of an application lead to, and what of it is not there. */
export type PagesLook = {
  /** Pages that were read. */
  readonly pages: number
  /** Requests that were made. */
  readonly requests: number
  readonly missing: readonly MissingLink[]
  /** Set where not everything was looked at: why. */
  readonly stopped?: string
}

/** `on` is the page that it is on. */
export type MissingLink = { readonly path: string; readonly on: string; readonly status: number }

export type PagesOptions = Omit<DetectContext, 'memory'> & {
  /** Whether somebody is known to implement a GET of it: then it is not asked about. */
  readonly isKnown: (path: string) => boolean
  readonly limits?: typeof PAGES_LIMITS
}

/** Pages read, requests made, total time, and the pause between two requests. */
export const PAGES_LIMITS = { pages: 20, requests: 100, ms: 15_000, pauseMs: 50 }

/** Links that may do something by being followed, whatever they should. */
const ACTS = /log-?out|sign-?out|log-?off|delete|remove|cancel|unsubscribe|confirm/i

/**
 * Reads the start page of an application and pages that it links to, and asks for what they lead to that nobody is
 * known to implement. GET only, one request after the other, without cookies and queries; links that sound as if they
 * did something are left alone.
 */
export async function lookAtPages(options: PagesOptions): Promise<PagesLook> {
  const { clock, isKnown, upstream, limits = PAGES_LIMITS } = options
  const began = clock.elapsed()
  const hosts = ownHostsOf(upstream)
  const waiting = ['/']
  const seen = new Set(waiting)
  const missing: MissingLink[] = []
  let pages = 0
  let requests = 0

  for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) {
    const answer = await ask(page)
    if (typeof answer === 'string') return { pages, requests, missing, stopped: answer }
    const moved = placeOf(answer.location, page, hosts)
    if (moved !== undefined && !seen.has(moved)) waiting.unshift(moved)
    if (moved !== undefined) seen.add(moved)
    if (answer.status !== 200) continue
    pages++
    for (const { path, isPage } of linksOn(new TextDecoder().decode(answer.body), page, hosts)) {
      if (seen.has(path) || ACTS.test(path)) continue
      seen.add(path)
      if (isKnown(path)) {
        if (isPage && pages + waiting.length < limits.pages) waiting.push(path)
        continue
      }
      const found = await ask(path)
      if (typeof found === 'string') return { pages, requests, missing, stopped: found }
      if (found.status === 404 || found.status === 410) missing.push({ path, on: page, status: found.status })
    }
  }
  return { pages, requests, missing }

  /** A text: why there is no more to be had. */
  async function ask(path: string) {
    if (requests >= limits.requests) return `stopped after ${requests} requests`
    const ms = clock.elapsed() - began
    if (ms >= limits.ms) return `stopped after ${Math.round(ms / 1_000)} s`
    if (requests > 0) await new Promise<void>((resolve) => void clock.after(limits.pauseMs, resolve))
    requests++
    const answer = await askFor({ kind: 'path', path }, { ...options, memory: undefined }, undefined)
    return answer.kind === 'answered' ? answer : `${upstream.name} did not answer GET ${path}`
  }
}

/** Where on the same site a redirect leads. */
function placeOf(location: string | undefined, page: string, hosts: readonly string[]): string | undefined {
  const url = location === undefined ? null : URL.parse(location, `http://${PLACEHOLDER}${page}`)
  return url !== null && (url.host === PLACEHOLDER || hosts.includes(url.host)) ? url.pathname : undefined
}

const PLACEHOLDER = 'site.invalid'

function linksOn(html: string, page: string, hosts: readonly string[]) {
  const links = linksOfPage(html, page, hosts).links.filter(({ method }) => method === 'GET')
  const assets = assetsOfPage(html, page, hosts).links
  return [...links.map(({ path }) => ({ path, isPage: true })), ...assets.map(({ path }) => ({ path, isPage: false }))]
}
