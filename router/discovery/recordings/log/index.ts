import { excerpt, type Recorded, type RecordedRequest, type RecordingKind } from '../recording.ts'
import { requestOfJson } from './json-line.ts'
import { requestOfText } from './text-line.ts'

/** Access logs: common, combined (with whatever follows), or JSON lines of nginx, Caddy, Traefik and their like. */
export const log: RecordingKind = {
  kind: 'log',
  leastRequests: 3,
  longestLine: 64 * 1024,
  recognises: () => true,
  read,
}

async function* read(lines: AsyncIterable<string>): AsyncIterable<Recorded> {
  let number = 0
  for await (const line of lines) {
    number++
    const text = line.trim()
    // Caddy and Traefik log what else happens to the same file; `#` begins the header of others.
    if (text === '' || text.startsWith('#')) continue
    const request = requestOfLine(text)
    if (request === 'none') continue
    yield request === undefined
      ? { kind: 'malformed', line: number, text: excerpt(text) }
      : { kind: 'request', request }
  }
}

/** `none`: it is sound and about no request. */
export function requestOfLine(text: string): RecordedRequest | 'none' | undefined {
  return text.startsWith('{') ? requestOfJson(text) : requestOfText(text)
}
