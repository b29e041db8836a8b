import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareRouter, type Router } from './router.ts'

const ROUTE = `routes:
  - { path: /page, methods: [GET], from: old, to: new, shift: canary }
`
let router: Router
beforeAll(async () => {
  router = await prepareRouter(`default: old
upstreams:
  old: { tier: legacy, url: "http://127.0.0.1:1" }
  new: { url: "http://127.0.0.1:2" }
${ROUTE}`)
  await router.up()
})
afterAll(() => router.close())

describe('a shift whose route is gone when the router starts', () => {
  it('moves no traffic, and plan, log and status say so until it is aborted', async () => {
    await router.act('start', { name: 'GET /page' })
    writeFileSync(router.config, readFileSync(router.config, 'utf8').replace(ROUTE, ''))
    const said = 'is canary at 5 %, from old to new, but no route has that id any more'
    expect(await router.banyan('plan', '-c', router.config)).toContain(`shift "GET /page" ${said}`)
    await router.stop()

    await router.up()
    expect((await router.plan()).live.weights).toEqual({})
    expect(router.output()).toContain(said)
    const codes = async () => (await router.status()).configuration.diagnostics.map(({ code }) => code)
    expect(await codes()).toEqual(['shift-without-route'])
    await router.act('abort', { name: 'GET /page' })
    expect(await codes()).toEqual([])
  })
})
