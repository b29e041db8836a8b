/** What a page leads to on its own site. */
export type Links = {
  /** `GET /vets.html`, `POST /owners/new`: without query and path parameters, each once. */
  readonly links: readonly { readonly method: string; readonly path: string }[]
  /** Other hosts that it names, lower case. */
  readonly hosts: readonly string[]
}

const MAX_TEXT = 1024 * 1024
const MAX_LINKS = 500
const TAG = /<(a|area|form|frame|iframe)\s([^<>]{1,2000})>/gi
const ASSET = /<(link|script|img|source)\s([^<>]{1,2000})>/gi

/**
 * Links and forms of a page, by its own text: scripts are not run. `at` is the path of the page, `hosts` are names by
 * which the site is known already.
 */
export function linksOfPage(html: string, at: string, hosts: readonly string[]): Links {
  const written = [...html.slice(0, MAX_TEXT).matchAll(TAG)]
    .slice(0, MAX_LINKS)
    .flatMap(([, tag = '', inside = '']) => {
      const form = tag.toLowerCase() === 'form'
      const target = attribute(inside, form ? 'action' : tag.toLowerCase().endsWith('frame') ? 'src' : 'href')
      const method = form && attribute(inside, 'method')?.toLowerCase() === 'post' ? 'POST' : 'GET'
      return target === undefined ? [] : [{ method, target }]
    })
  return linksTo(written, at, hosts)
}

/** What a page needs to look and work as it should: styles, scripts, pictures. */
export function assetsOfPage(html: string, at: string, hosts: readonly string[]): Links {
  const written = [...html.slice(0, MAX_TEXT).matchAll(ASSET)]
    .slice(0, MAX_LINKS)
    .flatMap(([, tag = '', inside = '']) => {
      const target = attribute(inside, tag.toLowerCase() === 'link' ? 'href' : 'src')
      return target === undefined ? [] : [{ method: 'GET', target }]
    })
  return linksTo(written, at, hosts)
}

/** Paths and sitemaps that a robots.txt names; patterns are left out. */
export function linksOfRobots(
  text: string,
  hosts: readonly string[],
): Links & { readonly sitemaps: readonly string[] } {
  const lines = text.slice(0, MAX_TEXT).split(/\r?\n/).slice(0, 2_000)
  const valuesOf = (name: RegExp) => lines.flatMap((line) => name.exec(line)?.[1]?.trim() ?? [])
  const paths = valuesOf(/^\s*(?:dis)?allow\s*:([^#]*)/i).filter(
    (path) => /^\/[^*$]+$/.test(path) && !path.endsWith('/'),
  )
  const written = paths.slice(0, MAX_LINKS).map((target) => ({ method: 'GET', target }))
  const sitemaps = linksTo(
    valuesOf(/^\s*sitemap\s*:(.*)/i).map((target) => ({ method: 'GET', target })),
    '/robots.txt',
    hosts,
  )
  const found = linksTo(written, '/robots.txt', hosts)
  return { links: found.links, hosts: sitemaps.hosts, sitemaps: sitemaps.links.map(({ path }) => path) }
}

/** Pages that a sitemap names. */
export function linksOfSitemap(xml: string, hosts: readonly string[]): Links {
  const places = [...xml.slice(0, MAX_TEXT).matchAll(/<loc>\s*([^<\s]{1,2000})\s*<\/loc>/g)].slice(0, MAX_LINKS)
  return linksTo(
    places.map(([, target = '']) => ({ method: 'GET', target: unescaped(target) })),
    '/',
    hosts,
  )
}

function attribute(inside: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(inside)
  const value = found?.[1] ?? found?.[2] ?? found?.[3]
  return value === undefined ? undefined : unescaped(value.trim())
}

function unescaped(text: string): string {
  return text.replace(/&(?:amp|#38);/g, '&')
}

const PLACEHOLDER = 'site.invalid'

function linksTo(
  written: readonly { readonly method: string; readonly target: string }[],
  at: string,
  hosts: readonly string[],
): Links {
  const links = new Map<string, Links['links'][number]>()
  const others = new Set<string>()
  for (const { method, target } of written) {
    const url = URL.parse(target, `http://${PLACEHOLDER}${at}`)
    if (url === null || !/^https?:$/.test(url.protocol)) continue
    if (url.host !== PLACEHOLDER && !hosts.includes(url.host)) {
      others.add(url.host)
      continue
    }
    const path = url.pathname.replace(/;[^/]*/g, '')
    links.set(`${method} ${path}`, { method, path })
  }
  return { links: [...links.values()], hosts: [...others].sort() }
}
