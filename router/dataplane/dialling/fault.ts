import type { ErrorCode } from '../../kernel/errors.ts'
import { UNUSABLE } from './tls-dial.ts'

/** Which of our errors a socket's error is; `connecting`: no request could be written yet. */
export function faultOf(error: NodeJS.ErrnoException, connecting: boolean): ErrorCode {
  const code = error.code ?? ''
  if (code.startsWith('ERR_SSL_')) return code.includes('ALERT') ? 'tls_alert_received' : 'tls_protocol_error'
  if (!connecting) return 'connection_reset'
  if (code === UNUSABLE) return 'route_unavailable'
  if (code === 'EPROTO' || UNFINISHED.test(error.message)) return 'tls_protocol_error'
  if (CERTIFICATE.test(code)) return 'tls_certificate_error'
  if (code === 'ETIMEDOUT') return 'connection_timeout'
  return error.syscall === 'getaddrinfo' ? 'dns_failed' : 'connection_refused'
}

const UNFINISHED = /before secure TLS connection was established/
/** Names that OpenSSL has for what may be wrong with a certificate, and Node's own for a wrong name. */
const CERTIFICATE =
  /CERT|^UNABLE_TO_|ISSUER|SELF_SIGNED|CRL|HOSTNAME_MISMATCH|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/
