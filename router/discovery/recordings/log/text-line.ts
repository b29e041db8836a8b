import { pathOfTarget, type RecordedRequest } from '../recording.ts'

/**
 * A line of the common or combined format: `1.2.3.4 - ann [10/Oct/2026:13:55:36 +0200] "GET /a?b HTTP/1.1" 200 2326 …`.
 * A virtual host may stand before it. `none`: the client sent nothing that is a request. Undefined: it is no such line.
 */
export function requestOfText(line: string): RecordedRequest | 'none' | undefined {
  const [, time = '', asked = '', status = '', length = ''] = LINE.exec(line) ?? []
  if (status === '') return undefined
  const [, method, target = ''] = /^([A-Z]{3,20}) (\S+)(?: HTTP\/[\d.]+)?$/.exec(asked) ?? []
  const path = pathOfTarget(target)
  // Scanners and broken clients: `"\x16\x03\x01"`, `"-"`.
  if (method === undefined || path === undefined) return 'none'
  const bytes = length === '-' ? 0 : Number(length)
  return {
    method,
    path,
    status: Number(status),
    at: timeOf(time),
    length: Number.isInteger(bytes) ? bytes : undefined,
    location: undefined,
    allow: undefined,
  }
}

const LINE = /^.{0,400}?\[([^\]]{1,60})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?:\s|$)/

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `10/Oct/2026:13:55:36 +0200` or any time that JavaScript reads. */
function timeOf(text: string): number | undefined {
  const [, day, month = '', year, clock, hours, minutes] =
    /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/.exec(text) ?? []
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  const at = Date.parse(day === undefined ? text : `${year}-${number}-${day}T${clock}${hours}:${minutes}`)
  return Number.isNaN(at) ? undefined : at
}
