import { describe, expect, it } from 'vitest'
import type { Balance } from '../../router/model/spec.ts'
import { get, published, type RawUpstream, rawUpstream, router, statusOf, talk } from './support.ts'

/** Three endpoints, each answering with its number. */
async function three(): Promise<readonly RawUpstream[]> {
  return Promise.all(['0', '1', '2'].map((name) => rawUpstream(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`)))
}

const portsOf = (upstreams: readonly RawUpstream[]) => upstreams.map(({ port }) => port)

/** Who answered: the last byte of an answer with status 200. */
async function asked(port: number, ...fields: string[]): Promise<string> {
  const answer = await talk(port, get('/', ...fields))
  expect(statusOf(answer)).toBe(200)
  return answer.at(-1) ?? ''
}

describe('balance', () => {
  it('round-robin goes round', async () => {
    const { port } = await router({
      upstreams: { clinic: { ports: portsOf(await three()), balance: { kind: 'round-robin' } } },
    })
    const names: string[] = []
    for (let count = 0; count < 6; count++) names.push(await asked(port))
    expect(names.slice(0, 3).toSorted()).toEqual(['0', '1', '2'])
    expect(names.slice(3)).toEqual(names.slice(0, 3))
  })

  it.each([
    { by: { kind: 'header', name: 'x-user' }, field: (user: number) => `X-User: ${user}` },
    { by: { kind: 'cookie', name: 'JSESSIONID' }, field: (user: number) => `Cookie: a=b; JSESSIONID=${user}` },
    { by: { kind: 'ip' }, field: (user: number) => `X-Forwarded-For: 192.0.2.9, 10.0.0.${user}, 127.0.0.1` },
  ] as const)(
    'hash by $by.kind gives everyone one endpoint, and loses only the keys of one that is gone',
    async ({ by, field }) => {
      const upstreams = await three()
      const balance: Balance = { kind: 'hash', by }
      const settings = { trustedProxies: ['127.0.0.1'] }
      const { port } = await router({ settings, upstreams: { clinic: { ports: portsOf(upstreams), balance } } })
      const { port: fewer } = await router({
        settings,
        upstreams: { clinic: { ports: portsOf(upstreams).slice(1), balance } },
      })
      const users = Array.from({ length: 24 }, (_, user) => user)
      const first = await Promise.all(users.map((user) => asked(port, field(user))))
      expect(new Set(first).size).toBe(3)
      expect(await Promise.all(users.map((user) => asked(port, field(user))))).toEqual(first)
      const after = await Promise.all(users.map((user) => asked(fewer, field(user))))
      for (const user of users) if (first[user] !== '0') expect(after[user]).toBe(first[user])
    },
  )

  it('of a kind that this version does not know is refused, and what served serves on', async () => {
    const { port, plane } = await router({ upstreams: { clinic: { ports: portsOf(await three()) } } })
    const plan = published({ upstreams: { clinic: { balance: { kind: 'fastest' } as unknown as Balance } } })
    await expect(plane.apply(plan)).rejects.toThrow('balance "fastest" is unknown to this version')
    expect(await asked(port)).toMatch(/[012]/)
  })
})
