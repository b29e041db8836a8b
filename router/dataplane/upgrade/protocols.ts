import { FIELD } from '../http1/field-kind.ts'
import { allValues, type Fields, listMembers, listTokens } from '../http1/fields.ts'
import type { RequestHead } from '../http1/request-head.ts'
import type { ResponseHead } from '../http1/response-head.ts'

/**
 * Protocols that a request asks to switch to, as a list to send on; empty: none (RFC 9110 §7.8). An upgrade is asked
 * for anew at each hop, so Connection must name it. A request with a body keeps to HTTP: where its end and the first
 * byte of something else meet, two readers may differ; so does `h2c`, which would carry requests past every rule.
 */
export function protocolsAsked(head: RequestHead): string {
  if (!head.has(FIELD.upgrade) || head.minor === 0 || !head.named.includes('upgrade')) return ''
  if (head.length > 0 || head.chunked) return ''
  return members(head)
    .filter((protocol) => PROTOCOL.test(protocol) && !HTTP_OR_TLS.test(protocol))
    .join(', ')
}

/** Protocols that a 101 switches to, as the upstream named them; undefined: it does not answer the request. */
export function protocolsSwitchedTo(asked: RequestHead, answer: ResponseHead): string | undefined {
  const offered = listTokens(protocolsAsked(asked))
  const chosen = members(answer)
  if (chosen.length === 0 || !answer.named.includes('upgrade')) return undefined
  return chosen.every((protocol) => offered.includes(protocol.toLowerCase())) ? chosen.join(', ') : undefined
}

/** Lines that speak of a switch to the next hop. */
export function upgradeLines(protocols: string): string {
  return `Connection: Upgrade\r\nUpgrade: ${protocols}\r\n`
}

const PROTOCOL = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/
const HTTP_OR_TLS = /^(?:h2c?|http\/.*|tls\/.*)$/i

function members(fields: Fields): string[] {
  return allValues(fields, FIELD.upgrade).flatMap(listMembers)
}
