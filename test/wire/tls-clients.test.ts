import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as http2 } from 'node:http2'
import type { ConnectionOptions } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { authority, type Issued } from '../certificates.ts'
import { eventually, get, later, problemOf, statusOf, talk } from './support.ts'
import { recording, type SecureRouter, secureRouter, tell } from './tls-support.ts'

/** A listener that asks for certificates of `Partners`. */
async function guarded(required: boolean) {
  const partners = await authority('Partners')
  const router = await secureRouter({
    tls: async (folder) => ({ clientCertificates: { ca: folder.write('partners.crt', partners.cert), required } }),
  })
  return { ...router, partners }
}

const as = ({ cert, key }: Issued): ConnectionOptions => ({ cert, key })
const fieldsOf = (received: readonly string[], name: RegExp) =>
  [...received.join('').matchAll(/^([\w-]+): (.*)\r$/gm)].filter(([, field]) => name.test(field ?? '')).map((m) => m[2])

const FORGED = [
  'Client-Cert: :AAAA:',
  'client_cert: :AAAA:',
  'CLIENT-CERT-CHAIN: :AAAA:',
  'X-Banyan-Client-Name: DNS:admin.test',
  'x_banyan_client_name: DNS:admin.test',
]

describe('H37: client certificates', () => {
  it('that are good are told to upstreams, as RFC 9440 says and by name', async () => {
    const { port, ca, partners, upstream } = await guarded(true)
    const client = await partners.issue({ name: 'vets', dns: ['vets.test'], uri: ['spiffe://shop.test/vets'] })
    const { text } = await tell(port, ca, get('/', ...FORGED), as(client))
    expect(statusOf(text)).toBe(200)
    const der = new X509Certificate(client.cert).raw.toString('base64')
    expect(fieldsOf(upstream.received, /client.cert/i)).toEqual([`:${der}:`])
    expect(fieldsOf(upstream.received, /client.name/i)).toEqual(['URI:spiffe://shop.test/vets'])
  })

  it.each([
    { options: { dns: ['vets.test', 'b.test'] }, name: 'DNS:vets.test' },
    { options: { name: 'Ada Lovelace' }, name: 'CN:Ada%20Lovelace' },
    { options: { name: 'DNS:admin.test' }, name: 'CN:DNS:admin.test' },
    { options: { name: 'Zoë 100%\u0007' }, name: 'CN:Zo%C3%AB%20100%25\\07' },
    { options: { uri: ['urn:a, DNS:admin.test'] }, name: 'URI:urn:a,%20DNS:admin.test' },
  ])('have one name: $name', async ({ options, name }) => {
    const { port, ca, partners, upstream } = await guarded(true)
    await tell(port, ca, get('/'), as(await partners.issue(options)))
    expect(fieldsOf(upstream.received, /client.name/i)).toEqual([name])
  })

  const others = {
    missing: { detail: 'a client certificate is needed, and none was sent' },
    expired: { detail: 'the client certificate is not accepted: it has expired' },
    early: { detail: 'the client certificate is not accepted: it is not valid yet' },
    foreign: { detail: 'the client certificate is not accepted: no authority that is trusted here signed it' },
  } as const

  async function credentials(kind: keyof typeof others, partners: SecureRouter['ca']): Promise<ConnectionOptions> {
    if (kind === 'missing') return {}
    if (kind === 'expired') return as(await partners.issue({ from: -2, until: -1 }))
    if (kind === 'early') return as(await partners.issue({ from: 1, until: 2 }))
    return as(await (await authority('Partners')).issue({ dns: ['vets.test'] }))
  }

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('with %s', (maxVersion) => {
    it.each(Object.keys(others) as (keyof typeof others)[])('%s: 403, and nothing upstream', async (kind) => {
      const { port, ca, partners, upstream } = await guarded(true)
      const { text } = await tell(port, ca, get('/', ...FORGED), { maxVersion, ...(await credentials(kind, partners)) })
      expect(statusOf(text)).toBe(403)
      expect(problemOf(text)).toMatchObject({ code: 'client_certificate_refused', ...others[kind] })
      expect(upstream.received).toEqual([])
    })
  })

  it('that are not required: none is served without a name, a bad one is refused', async () => {
    const { port, ca, partners, upstream } = await guarded(false)
    expect(statusOf((await tell(port, ca, get('/', ...FORGED))).text)).toBe(200)
    expect(fieldsOf(upstream.received, /client/i)).toEqual([])
    const { text } = await tell(port, ca, get('/'), await credentials('expired', partners))
    expect(statusOf(text)).toBe(403)
  })

  it('cannot be claimed where nobody is asked for one, not even by trusted proxies', async () => {
    const settings = { trustedProxies: ['127.0.0.1/32'] }
    const { port, plainPort, ca, upstream } = await secureRouter({ setup: { settings } })
    await tell(port, ca, get('/', ...FORGED))
    await talk(plainPort, get('/', ...FORGED))
    expect(upstream.received.join('').match(/^GET /gm)).toHaveLength(2)
    expect(fieldsOf(upstream.received, /client/i)).toEqual([])
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'are known of a resumed session of %s, and the lack of one too',
    async (v) => {
      const { port, ca, partners, upstream } = await guarded(true)
      const client = as(await partners.issue({ dns: ['vets.test'] }))
      const first = await tell(port, ca, get('/'), { ...client, maxVersion: v })
      const again = await tell(port, ca, get('/'), {
        ...client,
        maxVersion: v,
        session: first.session ?? Buffer.alloc(0),
      })
      expect(again.resumed).toBe(true)
      expect(fieldsOf(upstream.received, /client.name/i)).toEqual(['DNS:vets.test', 'DNS:vets.test'])
      const nobody = await tell(port, ca, get('/'), { maxVersion: v })
      const resumed = await tell(port, ca, get('/'), { maxVersion: v, session: nobody.session ?? Buffer.alloc(0) })
      expect([statusOf(nobody.text), statusOf(resumed.text)]).toEqual([403, 403])
    },
  )

  it('guard a listener against sessions of another that asks for none', async () => {
    const { port, ca, plane, folder, upstream } = await guarded(true)
    const shop = { cert: `${folder.path}/shop.crt`, key: `${folder.path}/shop.key` }
    const tls = { certificates: [shop], minVersion: '1.2', unknownNames: 'default' } as const
    const open = await plane.listen({ host: '127.0.0.1', port: 0 }, { tls }, 'listen[2]')
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { session } = await tell(open.port, ca, get('/'), { maxVersion })
      const { text, resumed } = await tell(port, ca, get('/'), { maxVersion, session: session ?? Buffer.alloc(0) })
      expect(resumed).toBe(false)
      expect(statusOf(text)).toBe(403)
    }
    expect(upstream.received.join('').match(/^GET /gm)).toHaveLength(2)
  })

  it('hold for every request of an HTTP/2 connection', async () => {
    const partners = await authority('Partners')
    const { port, ca, upstream } = await secureRouter({
      tls: async (folder) => ({
        clientCertificates: { ca: folder.write('partners.crt', partners.cert), required: true },
        hsts: 'max-age=9',
      }),
    })
    const ask = async (shown: ConnectionOptions) => {
      const session = http2(`https://127.0.0.1:${port}`, { servername: 'shop.test', ca: ca.cert, ...shown })
      later(() => session.destroy())
      const stream = session.request({
        ':authority': 'shop.test',
        'client-cert': ':AAAA:',
        'x-banyan-client-name': 'DNS:admin.test',
      })
      const [head] = await once(stream, 'response')
      return [head[':status'], head['strict-transport-security']]
    }
    expect(await ask(as(await partners.issue({ dns: ['vets.test'] })))).toEqual([200, 'max-age=9'])
    expect(fieldsOf(upstream.received, /client.name/i)).toEqual(['DNS:vets.test'])
    expect(fieldsOf(upstream.received, /client.cert/i)).toEqual([expect.stringMatching(/^:.{100,}:$/)])
    expect(fieldsOf(upstream.received, /x-forwarded-proto/i)).toEqual(['https'])
    expect(await ask({})).toEqual([403, 'max-age=9'])
    expect(upstream.received.join('').match(/^GET /gm)).toHaveLength(1)
  })

  it('are judged by the authorities that are in force, sessions included', async () => {
    const { log, lines } = recording()
    const partners = await authority('Partners')
    const { port, ca, folder } = await secureRouter({
      options: { log },
      tls: async (pems) => ({ clientCertificates: { ca: pems.write('partners.crt', partners.cert), required: true } }),
    })
    const client = as(await partners.issue({ dns: ['vets.test'] }))
    const first = await tell(port, ca, get('/'), client)
    expect(statusOf(first.text)).toBe(200)
    folder.write('partners.crt', (await authority('Others')).cert)
    await eventually(() => lines.some((line) => line.includes('authorities')))
    const again = await tell(port, ca, get('/'), { ...client, session: first.session ?? Buffer.alloc(0) })
    expect(again.resumed).toBe(false)
    expect(statusOf(again.text)).toBe(403)
  })
})
