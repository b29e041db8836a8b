import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as inFolder } from 'node:path'
import { prepareRouter, type Router } from '../e2e/router.ts'
import { freePorts } from '../estate.ts'
import { type Endpoint, endpointAt } from './endpoint.ts'

/** A router of two processes in front of two endpoints of one upstream and one of another, all up. */
export type Stage = {
  readonly router: Router
  readonly pair: readonly [Endpoint, Endpoint]
  readonly other: Endpoint
  readonly endpoints: readonly Endpoint[]
  /** Writes the configuration again with another comment, and has it taken over. */
  reload(number: number): Promise<void>
  close(): Promise<void>
}

/** Sets it up; the caller closes. */
export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(inFolder(tmpdir(), 'banyan-chaos-'))
  const [one = 0, two = 0, three = 0] = await freePorts(3)
  const pair = [endpointAt(one, folder), endpointAt(two, folder)] as const
  const other = endpointAt(three, folder)
  const endpoints = [...pair, other]
  const router = await prepareRouter(`default: pair
upstreams:
  pair:
    urls: ["http://127.0.0.1:${one}", "http://127.0.0.1:${two}"]
    retry: { attempts: 3 }
    outlier: { baseEjection: 500ms }
  other:
    url: "http://127.0.0.1:${three}"
    timeout: { firstByte: 500ms }
    maxConnections: 8
    maxPending: 8
routes:
  - { path: /other/**, to: other }
`)
  // Long enough that every kept connection hears that it is to be closed.
  const written = readFileSync(router.config, 'utf8').replace('lameDuck: 0s', 'lameDuck: 500ms')
  writeFileSync(router.config, written)
  const stage: Stage = {
    router,
    pair,
    other,
    endpoints,
    async reload(number) {
      writeFileSync(router.config, `${written}  - { path: /turn-${number}, to: pair }\n`)
      await post(router, '/api/reload', {})
    },
    async close() {
      await router.close()
      await Promise.all(endpoints.map((endpoint) => endpoint.kill()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all(endpoints.map((endpoint) => endpoint.start()))
    await router.up()
    return stage
  } catch (error) {
    await stage.close()
    throw error
  }
}

/** A change through the admin API. */
export async function post(router: Router, path: string, body: object): Promise<void> {
  const answer = await fetch(router.adminUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`)
}
