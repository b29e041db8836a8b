import { askFor, ownHostsOf } from './description.ts'
import type { DetectableUpstream, DetectContext, Finding } from './detectors/detector.ts'
import { mappings } from './detectors/mappings/index.ts'
import { openapi } from './detectors/openapi/index.ts'
import { type Links, linksOfPage, linksOfRobots, linksOfSitemap } from './links.ts'
import type { WrittenOperation } from './operations.ts'
import { printable } from './words.ts'

/** What a first look at a running application found. */
export type Survey =
  | { readonly kind: 'unreachable'; readonly why: string }
  | {
      readonly kind: 'seen'
      /** What its front page came to: `200 in 3 ms, "Pet Clinic"`. */
      readonly page: string
      readonly found: readonly FoundDescription[]
      readonly missing: readonly { readonly detector: string; readonly attempts: Finding['attempts'] }[]
      /** What its front page, robots.txt and sitemap lead to. */
      readonly links: Links['links']
      /** Other hosts that these name, and that it redirects to. */
      readonly hosts: readonly string[]
    }

export type FoundDescription = {
  /** Key in `discover`. */
  readonly detector: string
  /** Value of that key. */
  readonly place: string
  readonly operations: readonly WrittenOperation[]
}

/** Where applications keep Spring's mappings, unless told otherwise. */
const MAPPINGS_PLACES = [
  '/actuator/mappings',
  '/manage/mappings',
  '/management/mappings',
  '/admin/mappings',
  '/mappings',
]

type Look = Omit<DetectContext, 'memory'>

/**
 * Looks at an application that nothing is known of: its front page first, which nobody minds, then the usual places of
 * descriptions, then robots.txt and its sitemap. Links are read and not followed: one of them may log out.
 */
export async function surveyApplication(look: Look): Promise<Survey> {
  const front = await frontPage(look)
  if (front.kind === 'unreachable') return front
  const described = [await findOpenapi(look), await findMappings(look)]
  const robots = await robotsAndSitemap(look)
  const all = [front.links, ...robots]
  return {
    kind: 'seen',
    page: front.page,
    found: described.flatMap((one) => ('operations' in one ? [one] : [])),
    missing: described.flatMap((one) => ('operations' in one ? [] : [one])),
    links: [
      ...new Map(all.flatMap(({ links }) => links).map((link) => [`${link.method} ${link.path}`, link])).values(),
    ],
    hosts: [...new Set([...front.hosts, ...all.flatMap(({ hosts }) => hosts)])].sort(),
  }
}

type FrontPage =
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'seen'; readonly page: string; readonly links: Links; readonly hosts: readonly string[] }

const MAX_REDIRECTS = 4

/** Old applications redirect to the name that they were given: the path is asked of the address they are at. */
async function frontPage(look: Look): Promise<FrontPage> {
  const hosts = new Set<string>()
  let path = '/'
  for (let hops = 0; ; hops++) {
    const answer = await ask(path, look)
    if (answer.kind !== 'answered') return { kind: 'unreachable', why: answer.why }
    const { status, location, body, ms } = answer
    const next = location === undefined ? null : URL.parse(location, `http://${PLACEHOLDER}${path}`)
    if (next === null || status < 300 || status > 399 || hops === MAX_REDIRECTS) {
      const html = new TextDecoder().decode(body)
      const title = /<title[^>]*>\s*([^<]{1,80}?)\s*<\/title>/i.exec(html)?.[1]
      const links = linksOfPage(html, path, ownHostsOf(look.upstream))
      const page = `${status} in ${ms} ms${path === '/' ? '' : ` at ${path}`}${title === undefined ? '' : `, "${printable(title)}"`}`
      return { kind: 'seen', page, links, hosts: [...hosts] }
    }
    if (next.host !== PLACEHOLDER && !ownHostsOf(look.upstream).includes(next.host)) hosts.add(next.host)
    path = `${next.pathname}${next.search}`
  }
}

const PLACEHOLDER = 'site.invalid'

function ask(path: string, look: Look) {
  return askFor({ kind: 'path', path }, { ...look, memory: undefined }, undefined)
}

type Described = FoundDescription | { readonly detector: string; readonly attempts: Finding['attempts'] }

async function findOpenapi(look: Look): Promise<Described> {
  const finding = await openapi.detect({ ...look, upstream: asking(look, { openapi: 'auto' }), memory: undefined })
  if (finding.kind !== 'read') return { detector: 'openapi', attempts: finding.attempts }
  return { detector: 'openapi', place: finding.source.replace(/^GET /, ''), operations: finding.operations }
}

async function findMappings(look: Look): Promise<Described> {
  const attempts: Finding['attempts'][number][] = []
  for (const place of MAPPINGS_PLACES) {
    const finding = await mappings.detect({ ...look, upstream: asking(look, { mappings: place }), memory: undefined })
    attempts.push(...finding.attempts)
    if (finding.kind === 'read') return { detector: 'mappings', place, operations: finding.operations }
  }
  return { detector: 'mappings', attempts }
}

function asking({ upstream }: Look, discover: DetectableUpstream['discover']): DetectableUpstream {
  return { ...upstream, discover }
}

async function robotsAndSitemap(look: Look): Promise<readonly Links[]> {
  const hosts = ownHostsOf(look.upstream)
  const robots = linksOfRobots(await textAt('/robots.txt', look), hosts)
  const sitemap = linksOfSitemap(await textAt(robots.sitemaps[0] ?? '/sitemap.xml', look), hosts)
  return [robots, sitemap]
}

/** Empty where there is none. A page that is answered at every path names nothing that these readers would take. */
async function textAt(path: string, look: Look): Promise<string> {
  const answer = await ask(path, look)
  return answer.kind === 'answered' && answer.status === 200 ? new TextDecoder().decode(answer.body) : ''
}
