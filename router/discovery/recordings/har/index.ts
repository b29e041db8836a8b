import { excerpt, pathOfTarget, type Recorded, type RecordedRequest, type RecordingKind } from '../recording.ts'

/** The largest HAR file that is read: it is one JSON document, which cannot be read in parts. */
export const LARGEST_HAR = 128 * 1024 * 1024

/** HTTP Archives, as browsers and proxies save them. Only requests for the host that most of them are for count. */
export const har: RecordingKind = {
  kind: 'har',
  leastRequests: 1,
  longestLine: LARGEST_HAR + 1,
  recognises: (beginning) => /^\s*\{\s*("log"\s*:|$)/.test(beginning),
  read,
}

async function* read(lines: AsyncIterable<string>): AsyncIterable<Recorded> {
  const entries = entriesOf(await wholeOf(lines))
  const hosts = Map.groupBy(entries, ({ url }) => URL.parse(url)?.host ?? '')
  const [, own = []] = [...hosts].filter(([host]) => host !== '').sort(([, a], [, b]) => b.length - a.length)[0] ?? []
  const strange = entries.filter(({ request }) => request === undefined)
  for (const { number, url } of strange) yield { kind: 'malformed', line: number, text: excerpt(url) }
  for (const { request } of own) if (request !== undefined) yield { kind: 'request', request }
}

async function wholeOf(lines: AsyncIterable<string>): Promise<string> {
  const parts: string[] = []
  let length = 0
  for await (const line of lines) {
    length += line.length + 1
    if (length > LARGEST_HAR)
      throw new Error(`is larger than ${LARGEST_HAR / 1024 / 1024} MiB, the largest HAR file read`)
    parts.push(line)
  }
  return parts.join('\n')
}

type Entry = { readonly number: number; readonly url: string; readonly request: RecordedRequest | undefined }

function entriesOf(whole: string): readonly Entry[] {
  let document: unknown
  try {
    document = JSON.parse(whole)
  } catch (error) {
    throw new Error(`is no HAR file: ${error instanceof Error ? error.message : String(error)}`)
  }
  const entries = at(at(document, 'log'), 'entries')
  if (!Array.isArray(entries)) throw new Error('is no HAR file: log.entries is missing')
  return entries.map((entry: unknown, index) => {
    const request = at(entry, 'request')
    const url = String(at(request, 'url') ?? '')
    return { number: index + 1, url, request: requestOf(entry, url) }
  })
}

function requestOf(entry: unknown, url: string): RecordedRequest | undefined {
  const request = at(entry, 'request')
  const response = at(entry, 'response')
  const method = at(request, 'method')
  const status = at(response, 'status')
  const path = pathOfTarget(url)
  if (typeof method !== 'string' || typeof status !== 'number' || path === undefined || !URL.canParse(url)) {
    return undefined
  }
  const length = at(at(response, 'content'), 'size')
  const redirect = at(response, 'redirectURL')
  const started = Date.parse(String(at(entry, 'startedDateTime')))
  return {
    method: method.toUpperCase(),
    path,
    status,
    at: Number.isNaN(started) ? undefined : started,
    length: typeof length === 'number' && length >= 0 ? length : undefined,
    location: typeof redirect === 'string' && redirect !== '' ? redirect.replace(/[?#].*$/s, '') : undefined,
    allow: fieldOf(response, 'allow')?.split(/\s*,\s*/),
  }
}

function fieldOf(response: unknown, name: string): string | undefined {
  const headers = at(response, 'headers')
  if (!Array.isArray(headers)) return undefined
  const found: unknown = headers.find((header) => String(at(header, 'name')).toLowerCase() === name)
  const value = at(found, 'value')
  return typeof value === 'string' ? value : undefined
}

// What is read comes from elsewhere: only its own properties count.
function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined
}
