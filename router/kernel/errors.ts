/**
 * Every error the router answers with, in one closed table. `status` is the HTTP status, `fault` says whose
 * it is, `retry` when another attempt at the same upstream is safe, `proxyStatus` the name of RFC 9209 §2.3.
 */
export const ERRORS = {
  request_malformed: { status: 400, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  request_timeout: { status: 408, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  method_not_allowed: { status: 405, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_denied' },
  body_too_large: { status: 413, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  target_too_long: { status: 414, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  expectation_failed: { status: 417, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  head_too_large: { status: 431, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  client_left: { status: 499, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  coding_not_supported: { status: 501, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  version_not_supported: { status: 505, fault: 'downstream', retry: 'never', proxyStatus: 'http_request_error' },
  loop_detected: { status: 508, fault: 'router', retry: 'never', proxyStatus: 'proxy_loop_detected' },
  client_certificate_refused: {
    status: 403,
    fault: 'downstream',
    retry: 'never',
    proxyStatus: 'http_request_denied',
  },
  route_not_found: { status: 404, fault: 'downstream', retry: 'never', proxyStatus: 'destination_not_found' },
  route_unavailable: { status: 503, fault: 'router', retry: 'never', proxyStatus: 'proxy_configuration_error' },
  no_endpoint: { status: 503, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'destination_unavailable' },
  upstream_overloaded: { status: 503, fault: 'upstream', retry: 'never', proxyStatus: 'connection_limit_reached' },
  draining: { status: 503, fault: 'router', retry: 'never', proxyStatus: 'proxy_internal_response' },
  dns_failed: { status: 502, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'dns_error' },
  connection_refused: { status: 502, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'connection_refused' },
  connection_timeout: { status: 504, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'connection_timeout' },
  tls_certificate_error: {
    status: 502,
    fault: 'upstream',
    retry: 'nothing_sent',
    proxyStatus: 'tls_certificate_error',
  },
  tls_alert_received: { status: 502, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'tls_alert_received' },
  tls_protocol_error: { status: 502, fault: 'upstream', retry: 'nothing_sent', proxyStatus: 'tls_protocol_error' },
  connection_reset: { status: 502, fault: 'upstream', retry: 'if_idempotent', proxyStatus: 'connection_terminated' },
  connection_read_timeout: {
    status: 504,
    fault: 'upstream',
    retry: 'if_idempotent',
    proxyStatus: 'connection_read_timeout',
  },
  response_malformed: {
    status: 502,
    fault: 'upstream',
    retry: 'if_idempotent',
    proxyStatus: 'http_protocol_error',
  },
  response_too_slow: { status: 504, fault: 'upstream', retry: 'never', proxyStatus: 'http_response_timeout' },
  function_threw: { status: 502, fault: 'upstream', retry: 'never', proxyStatus: 'proxy_internal_response' },
  state_unwritable: { status: 503, fault: 'router', retry: 'never', proxyStatus: 'proxy_internal_error' },
  internal: { status: 500, fault: 'router', retry: 'never', proxyStatus: 'proxy_internal_error' },
} as const satisfies Record<string, ErrorTraits>

export type ErrorTraits = {
  readonly status: number
  readonly fault: 'downstream' | 'upstream' | 'router'
  readonly retry: 'never' | 'nothing_sent' | 'if_idempotent'
  readonly proxyStatus: string
}

export type ErrorCode = keyof typeof ERRORS

/** The only error thrown on purpose. `message` names subject, value, expectation and remedy. */
export class BanyanError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'BanyanError'
    this.code = code
  }

  get traits(): ErrorTraits {
    return ERRORS[this.code]
  }
}
