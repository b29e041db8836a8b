import { STATUS_CODES } from 'node:http'
import { FIELD } from '../http1/field-kind.ts'
import { parseLength } from '../http1/fields.ts'
import type { ResponseHead } from '../http1/response-head.ts'
import type { ReceivedFields } from './received-fields.ts'

const NONE: readonly string[] = []

/** Gives the fields of an answer that were received into `head` their meaning; false where they are none. */
export function interpretResponse(
  received: ReceivedFields,
  head: ResponseHead,
  toHead: boolean,
  endStream: boolean,
): boolean {
  const status = received.status ?? ''
  if (received.broken || received.tooLarge || !/^[1-5]\d\d$/.test(status)) return false
  head.status = Number(status)
  head.reason = STATUS_CODES[head.status] ?? ''
  head.major = 2
  head.minor = 1
  head.keepAlive = true
  head.named = NONE
  if (!readLength(head)) return false
  // HTTP/2 has frames for a switch of protocols, and an interim answer is never the last (RFC 9113 §8.6, §8.1).
  if (head.status < 200) return head.status !== 101 && !endStream
  const bodyless = toHead || head.status === 204 || head.status === 304
  if (endStream && head.length > 0 && !bodyless) return false
  if (bodyless) head.framing = 'none'
  else head.framing = head.length >= 0 ? 'length' : 'chunked'
  return true
}

function readLength(head: ResponseHead): boolean {
  let seen = 0
  head.length = -1
  for (let index = 0; index < head.count; index++) {
    const kind = head.kinds[index] ?? FIELD.plain
    if (kind === FIELD.plain) continue
    if (kind === FIELD.contentLength) {
      if ((seen & (1 << kind)) !== 0) return false
      head.length = parseLength(head.list[index * 2 + 1] ?? '')
      if (head.length < 0) return false
    }
    seen |= 1 << kind
  }
  head.seen = seen
  return true
}
