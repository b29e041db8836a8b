import { describe, expect, it } from 'vitest'
import { GRPC_STATUS, grpcErrorLines, grpcTimeout, isGrpc } from '../../../router/dataplane/grpc.ts'
import type { Fields } from '../../../router/dataplane/http1/fields.ts'
import { ERRORS } from '../../../router/kernel/errors.ts'

function fields(...list: string[]): Fields {
  return { list, kinds: list.filter((_, index) => index % 2 === 0).map(() => 0), count: list.length / 2 }
}

describe('a gRPC call', () => {
  it.each([
    { type: 'application/grpc', is: true },
    { type: 'application/grpc+proto', is: true },
    { type: 'Application/gRPC;charset=utf-8', is: true },
    { type: 'application/grpc-web', is: false },
    { type: 'application/grpcx', is: false },
    { type: 'application/json', is: false },
  ])('is told by its content type: $type', ({ type, is }) => {
    expect(isGrpc(fields('x-a', 'application/grpc', 'content-type', type))).toBe(is)
  })

  it.each([
    { value: '100m', ms: 100 },
    { value: '5S', ms: 5000 },
    { value: '2M', ms: 120_000 },
    { value: '1H', ms: 3_600_000 },
    { value: '1500u', ms: 1.5 },
    { value: '99999999n', ms: 99.999999 },
    { value: '123456789m', ms: undefined },
    { value: '-1S', ms: undefined },
    { value: '1s', ms: undefined },
    { value: '', ms: undefined },
  ])('has the deadline that grpc-timeout says: "$value"', ({ value, ms }) => {
    expect(grpcTimeout(fields('grpc-timeout', value))).toBe(ms)
  })

  it('may be sent again (UNAVAILABLE) only where its upstream or the router could do nothing with it, or was lost', () => {
    const unavailable = Object.entries(GRPC_STATUS).filter(([, status]) => status === 14)
    const codes: Readonly<Record<string, { readonly status: number; readonly fault: string }>> = ERRORS
    for (const [code] of unavailable) {
      expect(codes[code]?.status, code).toBeGreaterThanOrEqual(502)
      expect(codes[code]?.fault, code).not.toBe('downstream')
    }
    for (const [code, { fault }] of Object.entries(ERRORS)) {
      if (fault === 'downstream') expect(unavailable.map(([name]) => name)).not.toContain(code)
    }
  })

  it('is told of an error in its head, with what is not visible ASCII as %XX', () => {
    expect(grpcErrorLines('no_endpoint', 'für "vets", 100%\r\n')).toBe(
      'Content-Type: application/grpc\r\ngrpc-status: 14\r\ngrpc-message: no_endpoint: f%C3%BCr "vets", 100%25%0D%0A\r\n',
    )
  })
})
