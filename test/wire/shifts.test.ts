import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyFraction } from '../../router/kernel/hash.ts'
import type { Weight } from '../../router/model/plan.ts'
import { client, get, published, rawUpstream, router, type Setup, SIGNING_KEY, talk } from './support.ts'

const SALT = '00112233445566778899aabbccddeeff'

/** `/page` is moved from `old` to `new`; everything else stays with `old`. */
function setup(old: number, fresh: number, weight: Weight | undefined): Setup {
  return {
    settings: { debug: true },
    upstreams: { old: { ports: [old] }, new: { ports: [fresh] } },
    rules: [
      {
        id: 'route:page',
        match: { path: '/page' },
        action: { kind: 'shift', shift: 'page', incumbent: 'old', candidate: 'new' },
      },
      { id: 'default', origin: 'default', action: { kind: 'forward', upstream: 'old' } },
    ],
    live: weight === undefined ? {} : { weights: { page: weight } },
  }
}

async function shifted(weight: Weight | undefined, overrides: readonly string[] = [], fields = '') {
  const answer = (arm: string): string => `HTTP/1.1 200 OK\r\n${fields}Content-Length: 3\r\n\r\n${arm}`
  const old = await rawUpstream(answer('old'))
  const fresh = await rawUpstream(answer('new'))
  const moved = setup(old.port, fresh.port, weight)
  const routes = await router({ ...moved, settings: { debug: true, overrides } })
  return { ...routes, old, fresh }
}

const active = (weight: number): Weight => ({ weight, salt: SALT, active: true })

function signed(id: string): string {
  return `${id}.${createHmac('sha256', SIGNING_KEY).update(id).digest().subarray(0, 16).toString('base64url')}`
}

function keyOf(answer: string): string | undefined {
  return /\r\nSet-Cookie: banyan-key=([^;]+);/.exec(answer)?.[1]
}

function armOf(answer: string): string {
  return answer.slice(-3)
}

describe('a route whose shift is in progress', () => {
  it('gives a new client a signed key, and draws its first request by it', async () => {
    const { port } = await shifted(active(0.5))
    for (let count = 0; count < 20; count++) {
      const answer = await talk(port, get('/page'))
      const key = keyOf(answer) ?? ''
      expect(key).toMatch(/^[\w-]{22}\.[\w-]{22}$/)
      expect(key).toBe(signed(key.slice(0, 22)))
      expect(armOf(answer)).toBe(keyFraction(SALT, key.slice(0, 22)) < 0.5 ? 'new' : 'old')
      expect(answer).toContain('; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax\r\n')
    }
  })

  it('keeps a known client where its key puts it, and gives it no other key', async () => {
    const { port } = await shifted(active(0.3))
    for (let count = 0; count < 40; count++) {
      const id = Buffer.from(`client number ${`${count}`.padStart(2)}`)
        .toString('base64url')
        .slice(0, 22)
      const answer = await talk(port, get('/page', `Cookie: a=b; banyan-key=${signed(id)}; c=d`))
      expect(keyOf(answer)).toBeUndefined()
      expect(armOf(answer)).toBe(keyFraction(SALT, id) < 0.3 ? 'new' : 'old')
    }
  })

  it('replaces a key that is forged, and never answers an error', async () => {
    const { port } = await shifted(active(1))
    const id = 'A'.repeat(22)
    const good = signed(id)
    for (const forged of [`${id}.${'A'.repeat(22)}`, id, `${good}x`, good.replace(/^A/, 'B'), '', '.', '%00', '"']) {
      const answer = await talk(port, get('/page', `Cookie: banyan-key=${forged}`))
      expect(armOf(answer)).toBe('new')
      expect(keyOf(answer)).toMatch(/^[\w-]{22}\.[\w-]{22}$/)
    }
    expect(keyOf(await talk(port, get('/page', `Cookie: banyan-key=x; banyan-key=${good}`)))).toBeUndefined()
  })

  it('a second process with the same key and salt decides the same', async () => {
    const one = await shifted(active(0.5))
    const two = await shifted(active(0.5))
    for (let count = 0; count < 20; count++) {
      const first = await talk(one.port, get('/page'))
      expect(armOf(await talk(two.port, get('/page', `Cookie: banyan-key=${keyOf(first)}`)))).toBe(armOf(first))
    }
  })

  it.each([
    { sent: '', becomes: 'private' },
    { sent: 'Cache-Control: public, max-age=60\r\n', becomes: 'private, max-age=60' },
    { sent: 'Cache-Control: no-store\r\n', becomes: 'no-store' },
    { sent: 'Cache-Control: Private\r\n', becomes: 'Private' },
    { sent: 'Cache-Control: private="x, y", s-maxage=5\r\n', becomes: 'private, private="x, y", s-maxage=5' },
    { sent: 'cache-control: max-age=1\r\nCache-Control: public\r\n', becomes: 'private, max-age=1' },
  ])('keeps answers out of shared caches: "$sent" becomes $becomes', async ({ sent, becomes }) => {
    const { port } = await shifted(active(0.5), [], sent)
    const fields = [...(await talk(port, get('/page'))).matchAll(/^cache-control: (.*)\r$/gim)].map((found) => found[1])
    expect(fields).toEqual([becomes])
  })

  it('drops validators, because the client may hold the other arm', async () => {
    const { port, old } = await shifted(active(0))
    const validators = ['If-None-Match: "a"', 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'If-Range: "a"']
    await talk(port, get('/page', ...validators, 'If-Match: "b"'))
    expect(old.received.join('')).not.toMatch(/^If-(?:None-Match|Modified-Since|Range):/m)
    expect(old.received.join('')).toContain('If-Match: "b"')
  })

  it('never shows the key upstream', async () => {
    const { port, old, fresh } = await shifted(active(0.5))
    for (let count = 0; count < 4; count++)
      await talk(port, get('/page', `Cookie: banyan-key=${signed('B'.repeat(22))}`))
    expect(old.received.join('') + fresh.received.join('')).not.toContain('banyan-key')
  })

  it('raising the weight moves nobody back, and each is where the formula puts it', async () => {
    const { port, plane, old, fresh } = await shifted(active(0.01))
    const raw = await client(port)
    const ids = Array.from({ length: 300 }, (_, index) =>
      Buffer.from(`visitor number ${index + 100}`)
        .toString('base64url')
        .slice(0, 22),
    )
    let before = new Set<string>()
    let answers = 0
    for (const [step, weight] of [0.01, 0.05, 0.25, 0.5, 1].entries()) {
      await plane.apply(published({ ...setup(old.port, fresh.port, active(weight)), revision: step + 2 }))
      const moved = new Set<string>()
      for (const id of ids) {
        raw.send(`GET /page HTTP/1.1\r\nHost: a\r\nCookie: banyan-key=${signed(id)}\r\n\r\n`)
        answers++
        const text = await raw.until((all) => (all.match(/\r\n\r\n(?:old|new)/g) ?? []).length === answers)
        if (armOf(text) === 'new') moved.add(id)
      }
      expect(moved).toEqual(new Set(ids.filter((id) => keyFraction(SALT, id) < weight)))
      for (const id of before) expect(moved).toContain(id)
      before = moved
    }
  })
})

describe('x-banyan-arm', () => {
  it.each([
    { weight: undefined, state: 'before the start' },
    { weight: { weight: 0, salt: SALT, active: false }, state: 'at weight 0' },
    { weight: active(0.5), state: 'in progress' },
  ])('chooses the arm for peers in overrides, $state', async ({ weight }) => {
    const { port, fresh } = await shifted(weight, ['127.0.0.1'])
    for (const [asked, arm] of [
      ['candidate', 'new'],
      ['incumbent', 'old'],
    ] as const) {
      const answer = await talk(port, get('/page', `x-banyan-arm: ${asked}`))
      expect(armOf(answer)).toBe(arm)
      expect(answer).toContain(`\r\nx-banyan-arm: ${asked}\r\n`)
      expect(answer).toContain('\r\nCache-Control: private\r\n')
      expect(keyOf(answer)).toBeUndefined()
    }
    expect(fresh.received.join('')).not.toContain('x-banyan-arm')
  })

  it('is nothing to anybody else', async () => {
    const { port, fresh } = await shifted({ weight: 0, salt: SALT, active: false }, ['10.0.0.0/8'])
    expect(armOf(await talk(port, get('/page', 'x-banyan-arm: candidate')))).toBe('old')
    expect(fresh.received).toEqual([])
  })
})

describe('a route whose shift is not in progress', () => {
  it('is the incumbent, with answers untouched and no cookie', async () => {
    for (const weight of [undefined, { weight: 0, salt: SALT, active: false }]) {
      const { port, old } = await shifted(weight, [], 'Cache-Control: public\r\n')
      const answer = await talk(port, get('/page', 'If-None-Match: "a"'))
      expect(armOf(answer)).toBe('old')
      expect(answer).toContain('\r\nCache-Control: public\r\n')
      expect(keyOf(answer)).toBeUndefined()
      expect(old.received.join('')).toContain('If-None-Match: "a"')
    }
  })

  it('other routes pay nothing: no cookie, no change', async () => {
    const { port } = await shifted(active(0.5), [], 'Cache-Control: public\r\n')
    const answer = await talk(port, get('/other'))
    expect(keyOf(answer)).toBeUndefined()
    expect(answer).toContain('\r\nCache-Control: public\r\n')
  })
})

describe('counts', () => {
  it('tell the arms apart by their upstream', async () => {
    const { port, plane } = await shifted(undefined, ['127.0.0.1'])
    for (const arm of ['candidate', 'candidate', 'incumbent']) await talk(port, get('/page', `x-banyan-arm: ${arm}`))
    expect(plane.counts().requests).toEqual([
      { rule: 'route:page', upstream: 'old', outcome: '2xx', count: 1 },
      { rule: 'route:page', upstream: 'new', outcome: '2xx', count: 2 },
    ])
  })
})
