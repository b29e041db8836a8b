import type { TLSSocket } from 'node:tls'
import { ownerName } from '../../kernel/tls/names.ts'
import type { ListenerTls } from '../../model/spec.ts'
import type { ClientCertificate } from './client.ts'

/** Who a client proved to be, or why it is not let in. */
export type Presented = { readonly certificate: ClientCertificate | undefined; readonly refused: string | undefined }

/**
 * Judges what a client presented. Node's own word for it is not enough: a resumed session counts as authorised
 * whatever it was, so the certificate itself is asked for.
 */
export function judge(socket: TLSSocket, wanted: ListenerTls['clientCertificates'], now: number): Presented {
  if (wanted === undefined) return NOBODY
  const presented = socket.getPeerX509Certificate()
  if (presented === undefined) return wanted.required ? MISSING : NOBODY
  if (!socket.authorized) return refusedFor(String(socket.authorizationError))
  // A session that was made while it was valid may be resumed when it no longer is.
  if (presented.validToDate.getTime() <= now) return refusedFor('CERT_HAS_EXPIRED')
  const name = ownerName(presented)
  const lines = `Client-Cert: :${presented.raw.toString('base64')}:\r\nX-Banyan-Client-Name: ${name}\r\n`
  return { certificate: { name, lines }, refused: undefined }
}

const NOBODY: Presented = { certificate: undefined, refused: undefined }
const MISSING: Presented = { certificate: undefined, refused: 'a client certificate is needed, and none was sent' }

function refusedFor(code: string): Presented {
  const why = WORDS[code] ?? `it is refused (${code})`
  return { certificate: undefined, refused: `the client certificate is not accepted: ${why}` }
}

const UNKNOWN = 'no authority that is trusted here signed it'

const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_SIGNATURE_FAILURE: UNKNOWN,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  INVALID_PURPOSE: 'it is not meant for clients',
}
