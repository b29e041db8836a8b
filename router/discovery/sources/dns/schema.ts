import { isIP } from 'node:net'
import { list, map, Refused, textKind } from '../../../config/values.ts'
import type { SourceSchema } from '../schemas.ts'
import type { DnsOptions, DnsSettings } from './options.ts'

const EXPECTED = 'NAME:PORT such as clinic.internal:8080, or the name of SRV records such as _http._tcp.clinic.internal'
const HOST = /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.(?!$)|\.?$))+$/

const upstream = textKind(EXPECTED, (text): DnsOptions => {
  const [, name = '', digits] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (!HOST.test(name) || port === 0 || (port ?? 1) > 65_535) throw new Refused()
  if (isIP(name) !== 0) throw new Refused({ detail: 'an address is not looked up', hint: 'write url: instead' })
  const isService = /^_[^.]+\._(?:tcp|udp)\./i.test(name)
  if (isService && port !== undefined) throw new Refused({ detail: 'SRV records have ports of their own' })
  if (!isService && port === undefined) throw new Refused({ detail: 'the port is missing' })
  return { name: name.replace(/\.$/, '').toLowerCase(), port }
})

const server = textKind('an IP address, with a port where it is not 53', (text) => {
  const bare = /^\[(.+)\]:\d{1,5}$/.exec(text)?.[1] ?? /^([^:]+):\d{1,5}$/.exec(text)?.[1] ?? text
  if (isIP(bare) === 0) throw new Refused()
  return text
})

/** `dns` of an upstream, and at the top. */
export const dnsSchema: SourceSchema = {
  kind: 'dns',
  upstream: upstream
    .describe('Name whose A, AAAA or SRV records are its addresses, asked again when their time to live is over')
    .meta({ examples: ['clinic.internal:8080', '_http._tcp.clinic.internal'] }),
  top: map({
    servers: list(server, 'name servers such as 10.0.0.53 or 127.0.0.1:8600').describe(
      "Name servers to ask; default: the machine's own",
    ),
  })
    .transform(({ servers }): DnsSettings => ({ servers }))
    .describe('How names of upstreams are looked up'),
  ownHosts: (options) => {
    const { name, port } = options as DnsOptions
    return port === undefined ? [] : [name]
  },
}
