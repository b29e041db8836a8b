import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { type AdminEnv, type GuardOptions, guard } from '../../../router/admin/guard.ts'

const open: GuardOptions = { hosts: ['127.0.0.1', 'localhost', '::1'], tokens: [] }
const locked: GuardOptions = {
  hosts: ['127.0.0.1'],
  tokens: [
    { name: 'ada', value: 'operate-token', role: 'operate' },
    { name: 'dashboard', value: 'read-token', role: 'read' },
  ],
}

/** An API of one reading and one changing path behind the guard; `effects` are the changes that happened. */
function api(options: GuardOptions) {
  const effects: string[] = []
  const app = new Hono<AdminEnv>()
  app.use('*', guard(options))
  app.get('/api/status', (c) => c.text('ok'))
  app.post('/api/shifts/abort', (c) => {
    effects.push(c.get('caller').name)
    return c.text('done')
  })
  return { app, effects }
}

const json = { host: '127.0.0.1:9080', 'content-type': 'application/json' }

describe('the admin door', () => {
  it.each([
    { why: 'a name that was rebound to us', headers: { ...json, host: 'evil.test' }, status: 403 },
    { why: 'no Host at all', headers: { 'content-type': 'application/json' }, status: 403 },
    { why: 'a page of another origin', headers: { ...json, origin: 'http://evil.test' }, status: 403 },
    { why: 'an opaque origin', headers: { ...json, origin: 'null' }, status: 403 },
    { why: 'another port of this machine', headers: { ...json, origin: 'http://127.0.0.1:3000' }, status: 403 },
    { why: 'a form', headers: { host: json.host, 'content-type': 'application/x-www-form-urlencoded' }, status: 415 },
    { why: 'text that is not JSON', headers: { host: json.host, 'content-type': 'text/plain' }, status: 415 },
  ])('stays shut for $why, and nothing happens', async ({ headers, status }) => {
    const { app, effects } = api(open)
    const answer = await app.request('/api/shifts/abort', { method: 'POST', headers, body: '{}' })
    expect([answer.status, effects]).toEqual([status, []])
  })

  it.each([
    json,
    { ...json, host: 'localhost:9080' },
    { ...json, host: '[::1]:9080' },
    { ...json, origin: 'http://127.0.0.1:9080' },
    { ...json, 'content-type': 'application/json; charset=utf-8' },
  ])('opens for a caller on this machine: %o', async (headers) => {
    const { app, effects } = api(open)
    const answer = await app.request('/api/shifts/abort', { method: 'POST', headers, body: '{}' })
    expect([answer.status, effects]).toEqual([200, ['local']])
  })

  it.each([
    { why: 'no token', authorization: undefined, read: 401, change: 401 },
    { why: 'a wrong token', authorization: 'Bearer operate-tokeN', read: 401, change: 401 },
    { why: 'an empty token', authorization: 'Bearer ', read: 401, change: 401 },
    { why: 'another scheme', authorization: 'Basic operate-token', read: 401, change: 401 },
    { why: 'a read token', authorization: 'Bearer read-token', read: 200, change: 403 },
    { why: 'an operate token', authorization: 'Bearer operate-token', read: 200, change: 200 },
  ])('with tokens, $why may read: $read, change: $change', async ({ authorization, read, change }) => {
    const { app, effects } = api(locked)
    const headers = { ...json, host: 'a-name-of-some-proxy:9080', ...(authorization ? { authorization } : {}) }
    expect((await app.request('/api/status', { headers })).status).toBe(read)
    expect((await app.request('/api/shifts/abort', { method: 'POST', headers, body: '{}' })).status).toBe(change)
    expect(effects).toEqual(change === 200 ? ['ada'] : [])
  })
})
