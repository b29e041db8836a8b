import { afterAll, describe, expect, it } from 'vitest'
import { loadSpec } from '../../../router/config/load.ts'
import { authority, PemFolder } from '../../certificates.ts'
import { decode, problems, specOf } from './decoding.ts'

const CLINIC = 'upstreams:\n  clinic: { url: "http://a" }\n'

function listener(text: string) {
  return specOf(`listen: [{ port: 8443, ${text} }]\n${CLINIC}`).listen[0]
}

describe('a listener', () => {
  it('reads its certificate, with the paths of its files made absolute', () => {
    expect(listener('tls: { cert: "file:tls/a.crt", key: "file:/etc/a.key" }')).toEqual({
      host: undefined,
      port: 8443,
      tls: {
        certificates: [{ cert: '/srv/tls/a.crt', key: '/etc/a.key' }],
        minVersion: '1.2',
        unknownNames: 'default',
      },
    })
  })

  it('reads everything else', () => {
    const text = `tls: { certificates: [{ cert: "file:a.crt", key: "file:a.key" }, { cert: "file:b.crt", key: "file:b.key" }],
      minVersion: "1.3", unknownNames: reject, clientCertificates: { ca: "file:ca.crt", required: false },
      hsts: { maxAge: 365d, includeSubDomains: true, preload: true } }, proxyProtocol: { from: [10.0.0.0/8, 192.0.2.1] }`
    expect(listener(text)).toEqual({
      host: undefined,
      port: 8443,
      proxyProtocol: { from: ['10.0.0.0/8', '192.0.2.1/32'] },
      tls: {
        certificates: [
          { cert: '/srv/a.crt', key: '/srv/a.key' },
          { cert: '/srv/b.crt', key: '/srv/b.key' },
        ],
        minVersion: '1.3',
        unknownNames: 'reject',
        clientCertificates: { ca: '/srv/ca.crt', required: false },
        hsts: 'max-age=31536000; includeSubDomains; preload',
      },
    })
  })

  it.each([
    { text: 'redirectToTls: true', is: { port: 443 } },
    { text: 'redirectToTls: { port: 8443 }', is: { port: 8443 } },
    { text: 'redirectToTls: false', is: undefined },
  ])('with $text', ({ text, is }) => {
    expect(listener(text)?.redirectToTls).toEqual(is)
  })

  it.each([
    ['tls: {}', '1:24 listen[0].tls.cert  is missing; TLS needs a certificate'],
    ['tls: { cert: "file:a" }', '1:24 listen[0].tls.key  is missing; cert is of no use without it'],
    ['tls: { cert: a.crt, key: "file:b" }', '1:37 listen[0].tls.cert  must be file:PATH, got "a.crt"'],
    [
      'tls: { cert: "file:a", key: "file:b", hsts: { maxAge: 1d, preload: true } }',
      '1:91 listen[0].tls.hsts.preload  the lists of browsers take a host only with includeSubDomains: true',
    ],
    ['tls: { cert: "file:a", key: "file:b", hsts: true }', 'listen[0].tls.hsts  must be a duration such as 365d, or'],
    ['redirectToTls: { port: 99999 }', '1:47 listen[0].redirectToTls.port  must be a port from 0 to 65535, got 99999'],
    ['tls: { cert: "file:a", key: "file:b" }, redirectToTls: true', '1:79 listen[0].redirectToTls  this listener has'],
    ['proxyProtocol: { from: [everybody] }', '1:48 listen[0].proxyProtocol.from[0]  must be an IP address or a CIDR'],
  ])('refuses %s', (text, says) => {
    expect(problems(`listen: [{ port: 8443, ${text} }]\n${CLINIC}`)[0]).toContain(says)
  })
})

describe('an upstream', () => {
  it('is spoken to by TLS where its address says so', () => {
    expect(specOf('upstreams:\n  a: { url: "https://a.example/x" }\n').upstreams[0]).toMatchObject({
      urls: [{ host: 'a.example', port: 443, path: '/x' }],
      tls: { verify: true },
    })
  })

  it('reads whom to trust and what to show', () => {
    const tls = 'tls: { ca: "file:ca.crt", cert: "file:a.crt", key: "file:a.key", serverName: B.example }'
    expect(specOf(`upstreams:\n  a: { url: "https://10.0.0.1", ${tls} }\n`).upstreams[0]?.tls).toEqual({
      verify: true,
      ca: '/srv/ca.crt',
      certificate: { cert: '/srv/a.crt', key: '/srv/a.key' },
      serverName: 'b.example',
    })
  })

  it.each([
    [
      'urls: ["http://a", "https://a"]',
      'urls  are http: and https: addresses; those of one upstream are all of one kind',
    ],
    ['url: "http://a", tls: {}', 'tls  its address is an http: one | write https: in its address, or remove tls'],
    [
      'url: "https://a", tls: { verify: false }',
      'tls.verify  warning: the certificate of this upstream is not verified',
    ],
  ])('with %s is told so', (text, says) => {
    expect(problems(`upstreams:\n  a: { ${text} }\n`)[0]).toContain(`upstreams.a.${says}`)
  })
})

describe('files that TLS needs', () => {
  const folder = new PemFolder()
  afterAll(() => folder.close())

  async function warnings(cert: string, key: string): Promise<readonly string[]> {
    const text = `listen:\n  - port: 8443\n    tls: { cert: "file:${cert}", key: "file:${key}" }\n${CLINIC}`
    const { spec, diagnostics } = await loadSpec('/srv/banyan.yaml', { env: {}, cores: 1, text })
    expect(spec).toBeDefined()
    return diagnostics.map(
      ({ severity, path, at, message }) => `${severity} ${path} ${at?.line}:${at?.column} ${message}`,
    )
  }

  it('are not looked at by whoever only decodes', () => {
    expect(decode(`listen: [{ port: 1, tls: { cert: "file:/x", key: "file:/y" } }]\n${CLINIC}`).diagnostics).toEqual([])
  })

  it('are to be put there where they are missing, and replaced where they are wrong', async () => {
    const junk = folder.write('hints.crt', 'no certificate')
    const upstream = (ca: string) => `{ url: "https://a", tls: { ca: "file:${ca}" } }`
    const text = `upstreams:\n  a: ${upstream('gone.crt')}\n  b: ${upstream(junk)}\n`
    const { diagnostics } = await loadSpec('/srv/banyan.yaml', { env: {}, cores: 1, text })
    const [missing, wrong] = diagnostics
    expect(missing?.message).toBe('the certificates file /srv/gone.crt cannot be read (ENOENT)')
    expect(missing?.hint).toMatch(/^put it there, readable by the router's user, or name another path, relative to /)
    expect(wrong?.hint).toMatch(/^put the right file in its place: it is read again as soon as it changes/)
  })

  it('warn of what is wrong with them, at their place, and refuse nothing', async () => {
    const ca = await authority()
    const good = folder.pair('good', await ca.issue({ dns: ['shop.test'] }))
    const other = folder.pair('other', await ca.issue({ dns: ['shop.test'] }))
    const expired = folder.pair('expired', await ca.issue({ dns: ['shop.test'], from: -2, until: -1 }))
    const early = folder.pair('early', await ca.issue({ dns: ['shop.test'], from: 1, until: 2 }))
    const junk = folder.write('junk.crt', 'no certificate')
    const at = 'warning listen[0].tls.cert 3:18'
    expect(await warnings(good.cert, good.key)).toEqual([])
    expect(await warnings(good.cert, other.key)).toEqual([
      `${at} the key in ${other.key} is not that of the certificate in ${good.cert}`,
    ])
    expect(await warnings(`${good.cert}.gone`, good.key)).toEqual([
      `${at} the certificate file ${good.cert}.gone cannot be read (ENOENT)`,
    ])
    expect((await warnings(junk, good.key))[0]).toContain(`${at} ${junk} holds no certificate in PEM`)
    expect((await warnings(expired.cert, expired.key))[0]).toContain(
      `${at} the certificate in ${expired.cert} expired on `,
    )
    expect((await warnings(early.cert, early.key))[0]).toContain(
      `${at} the certificate in ${early.cert} is not valid before `,
    )
  })
})
