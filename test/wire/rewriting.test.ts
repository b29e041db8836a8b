import { describe, expect, it } from 'vitest'
import { get, routed, talk } from './support.ts'

const legacy = { rewriteLocation: true, rewriteCookies: true, ownHosts: ['clinic.internal', '10.0.0.5:8080'] }

async function answerWith(
  fields: string,
  setup: Parameters<typeof routed>[2] = {},
  ...sent: string[]
): Promise<string> {
  const { port } = await routed(`HTTP/1.1 302 Found\r\n${fields}\r\nContent-Length: 0\r\n\r\n`, legacy, setup)
  return talk(port, get('/', ...sent))
}

describe("an answer that names the application's own host", () => {
  it.each([
    ['Location: http://clinic.internal/owners/1', 'Location: http://shop.test/owners/1'],
    ['Location: http://clinic.internal:8080/owners', 'Location: http://shop.test/owners'],
    ['Location: https://CLINIC.internal?x=1', 'Location: http://shop.test?x=1'],
    ['Location: //clinic.internal/x', 'Location: http://shop.test/x'],
    ['Location: http://10.0.0.5:8080/x', 'Location: http://shop.test/x'],
    ['Content-Location: http://clinic.internal/x', 'Content-Location: http://shop.test/x'],
    ['Refresh: 5; url=http://clinic.internal/x', 'Refresh: 5; url=http://shop.test/x'],
    ['Refresh: 0;URL="http://clinic.internal/x"', 'Refresh: 0;URL="http://shop.test/x"'],
    [
      'Link: <http://clinic.internal/a>; rel=next, </b>; rel=prev, <//clinic.internal/c>; title="<http://clinic.internal>"',
      'Link: <http://shop.test/a>; rel=next, </b>; rel=prev, <http://shop.test/c>; title="<http://clinic.internal>"',
    ],
    ['Set-Cookie: a=1; Domain=clinic.internal; Path=/', 'Set-Cookie: a=1; Path=/'],
    ['Set-Cookie: a=1; HttpOnly;domain=.Clinic.Internal', 'Set-Cookie: a=1; HttpOnly'],
  ])('%s becomes %s', async (sent, becomes) => {
    expect(await answerWith(sent)).toContain(`\r\n${becomes}\r\n`)
  })

  it.each([
    `Refresh: ${'\xa0'.repeat(30_000)}x`,
    `Link: //${'<'.repeat(60_000)}`,
    `Link: //${'"\\'.repeat(30_000)}`,
    `Set-Cookie: a=1; Domain=${' '.repeat(60_000)}x y`,
  ])('passes in a moment, however long and odd it is (case %#)', async (sent) => {
    expect(await answerWith(sent)).toContain(`\r\n${sent}\r\n`)
  })

  it.each([
    'Location: /relative',
    'Location: relative',
    'Location: ?clinic.internal',
    'Location: http://other.test/?next=http://clinic.internal/x',
    'Location: /login?next=http://clinic.internal/x',
    'Location: http://10.0.0.5:9090/x',
    'Location: http://10.0.0.5/x',
    'Location: http://clinic.internal.evil.test/',
    'Location: http://evil.test/clinic.internal',
    'Location: mailto:a@clinic.internal',
    'Refresh: 5',
    'Link: <https://cdn.test/a.css>; rel=preload',
    'Set-Cookie: domain=1; Path=/',
    'Set-Cookie: a=1; Domain=shop.test',
    'X-Location: http://clinic.internal/',
  ])('%s stays', async (sent) => {
    expect(await answerWith(sent)).toContain(`\r\n${sent}\r\n`)
  })

  it("takes the client's scheme and host from a trusted proxy", async () => {
    const answer = await answerWith(
      'Location: http://clinic.internal/x',
      { settings: { trustedProxies: ['127.0.0.1/32'] } },
      'X-Forwarded-Proto: https, http',
      'X-Forwarded-Host: public.test, inner.test',
    )
    expect(answer).toContain('\r\nLocation: https://public.test/x\r\n')
  })

  it('passes untouched from an upstream that does not ask for it', async () => {
    const sent = 'Location: http://clinic.internal/x\r\nSet-Cookie: a=1; Domain=clinic.internal'
    const { port } = await routed(`HTTP/1.1 302 Found\r\n${sent}\r\nContent-Length: 0\r\n\r\n`, {
      ...legacy,
      rewriteLocation: false,
      rewriteCookies: false,
    })
    expect(await talk(port, get('/'))).toContain(`\r\n${sent}\r\n`)
  })
})
