import { pathOfTarget, type RecordedRequest } from '../recording.ts'

/**
 * A line of JSON, by the names that servers usually give: nginx's variables, Caddy's nested `request`, Traefik's
 * `RequestMethod`, ECS's dotted names. Names are compared without case, `_`, `-` and `.`. `none`: it is about
 * something else than a request. Undefined: it is no JSON, or names a request that cannot be read.
 */
export function requestOfJson(line: string): RecordedRequest | 'none' | undefined {
  const fields = fieldsOf(line)
  if (fields === undefined) return undefined
  const asked = text(fields, ['request', 'requestline'])?.match(/^([A-Z]{3,20}) (\S+)/)
  const method = text(fields, METHOD) ?? asked?.[1]
  const target = text(fields, TARGET) ?? asked?.[2]
  const status = Number(text(fields, STATUS))
  if (method === undefined && target === undefined) return 'none'
  const path = target === undefined ? undefined : pathOfTarget(target)
  if (method === undefined || path === undefined || !(status >= 100 && status <= 599)) return undefined
  const length = Number(text(fields, LENGTH) ?? Number.NaN)
  return {
    method: method.toUpperCase(),
    path,
    status,
    at: timeOf(text(fields, TIME)),
    length: Number.isInteger(length) ? length : undefined,
    location: text(fields, LOCATION)?.replace(/[?#].*$/s, ''),
    allow: text(fields, ALLOW)?.split(/\s*,\s*/),
  }
}

const METHOD = ['requestmethod', 'method', 'httpmethod', 'httprequestmethod', 'verb']
const TARGET = ['requesturi', 'requestpath', 'uri', 'path', 'url', 'requesturl', 'urlpath', 'urloriginal']
const STATUS = ['status', 'downstreamstatus', 'statuscode', 'responsestatus', 'httpresponsestatuscode', 'responsecode']
const LENGTH = ['bodybytessent', 'downstreamcontentsize', 'size', 'responsesize', 'bytessent', 'bytes', 'length']
const TIME = ['timeiso8601', 'startutc', 'ts', 'timestamp', 'time', 'timelocal', 'msec', 'date']
const LOCATION = ['senthttplocation', 'location', 'respheaderslocation', 'downstreamlocation']
const ALLOW = ['senthttpallow', 'allow', 'respheadersallow']

type Fields = ReadonlyMap<string, unknown>

function fieldsOf(line: string): Fields | undefined {
  try {
    const fields = new Map<string, unknown>()
    collect(JSON.parse(line), [], fields)
    return fields
  } catch {
    return undefined
  }
}

const MOST_DEPTH = 4

/** By the name of the field and by its whole path, the outer one first. */
function collect(value: unknown, path: readonly string[], into: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null || path.length > MOST_DEPTH) return
  for (const [key, inner] of Object.entries(value)) {
    const name = plain(key)
    const whole = [...path, name]
    // Caddy gives each field as a list of its values.
    const one = Array.isArray(inner) ? inner[0] : inner
    for (const known of [whole.join(''), name]) if (!into.has(known)) into.set(known, one)
    collect(one, whole, into)
  }
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[_.@-]/g, '')
}

function text(fields: Fields, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields.get(name)
    if (typeof value === 'number') return String(value)
    if (typeof value === 'string' && value !== '' && value !== '-') return value
  }
  return undefined
}

/** Seconds since 1970 (with a fraction), milliseconds, or any time that JavaScript reads. */
function timeOf(written: string | undefined): number | undefined {
  if (written === undefined) return undefined
  const number = Number(written)
  const at = Number.isNaN(number) ? Date.parse(written) : number < 1e11 ? number * 1_000 : number
  return Number.isNaN(at) ? undefined : Math.trunc(at)
}
