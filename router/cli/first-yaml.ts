import type { FoundDescription } from '../discovery/survey.ts'

/** What a first configuration says. */
export type FirstConfiguration = {
  readonly name: string
  readonly url: string
  /** File with the authority of its certificate, absolute or relative to the YAML; undefined: a public one. */
  readonly ca: string | undefined
  /** Day, as `2026-11-23`. */
  readonly day: string
  readonly found: readonly Pick<FoundDescription, 'detector' | 'place' | 'operations'>[]
  /** Links that no operation covers: `GET /contact.html`. */
  readonly uncovered: readonly string[]
  readonly hosts: readonly string[]
}

const MOST_LISTED = 20

/** A first banyan.yaml: everything goes to the legacy application, and what could not be found stands beside it. */
export function firstYaml({ name, url, ca, day, found, uncovered, hosts }: FirstConfiguration): string {
  const discover = found.map(
    ({ detector, place, operations }) => `      ${detector}: ${quoted(place)} # ${operations.length} operations`,
  )
  const lines = [
    `# Written by banyan init on ${day}. Everything goes to the application as before; banyan operations lists what is`,
    '# known of it. A second upstream and a route with from:, to: and shift: begin the move.',
    'listen:',
    '  - port: 8080',
    '',
    `default: ${plain(name)} # serves what nobody else claims`,
    '',
    'upstreams:',
    `  ${plain(name)}:`,
    '    tier: legacy',
    `    url: ${quoted(url)}`,
    ...(ca === undefined ? [] : [`    tls: { ca: ${quoted(`file:${ca}`)} }`]),
    ...(discover.length > 0 ? ['    discover:', ...discover] : NOTHING_FOUND),
    ...(hosts.length === 0 ? [] : ownHosts(hosts)),
    ...(uncovered.length === 0 ? [] : linked(uncovered, found.length > 0)),
  ]
  return `${lines.join('\n')}\n`
}

const NOTHING_FOUND = [
  '    # No description was found at the usual places. Where it has one, say so; operations are not known otherwise.',
  '    # discover: { openapi: /path/of/openapi.json }',
]

function ownHosts(hosts: readonly string[]): readonly string[] {
  return [
    '    # Its pages lead to these hosts. Its own names among them belong here: links and cookies are then rewritten.',
    `    # ownHosts: [${hosts.slice(0, MOST_LISTED).map(quoted).join(', ')}]`,
  ]
}

function linked(uncovered: readonly string[], described: boolean): readonly string[] {
  const more = uncovered.length > MOST_LISTED ? [`#   … and ${uncovered.length - MOST_LISTED} more`] : []
  return [
    '',
    described ? '# Its pages link these, which no description has:' : '# Its pages link these:',
    ...uncovered.slice(0, MOST_LISTED).map((link) => `#   ${link}`),
    ...more,
  ]
}

function plain(name: string): string {
  return /^[A-Za-z][\w.-]*$/.test(name) && !/^(?:true|false|null)$/i.test(name) ? name : quoted(name)
}

// In quotes, but for the plainest, the value is what it looks like, whatever YAML would make of it; a reference to the
// environment stays text.
function quoted(text: string): string {
  return /^(?:https?:\/)?\/[\w./:-]*\w$/.test(text) ? text : JSON.stringify(text.replaceAll('${', '$${'))
}
