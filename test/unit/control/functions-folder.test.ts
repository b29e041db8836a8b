import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFunctionsFolder, type FunctionsFolder } from '../../../router/control/functions-folder.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'

const INHERITED = { 'functions/contact': [{ host: '127.0.0.1', port: 4001 }] }
const LEFT_BEHIND = { pid: 77, started: 'then', role: 'workerd', name: 'functions/contact@1' } as const

let folder: string
/** What happened, in order. */
let events: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-functions-'))
  events = []
})
afterEach(() => rmSync(folder, { recursive: true }))

type Overrides = { readonly leftBehind?: readonly (typeof LEFT_BEHIND)[]; drained?(): Promise<boolean> }

function functionsFolder(named: string | undefined, overrides: Overrides = {}): FunctionsFolder {
  const { leftBehind = [LEFT_BEHIND] } = overrides
  const running = new Set<number>(leftBehind.map(({ pid }) => pid))
  const functions = createFunctionsFolder({
    folder: named,
    env: {},
    clock: manualClock(),
    log: silentLog,
    processes: {
      started: (pid) => (running.has(pid) ? 'then' : undefined),
      signal(pid, name) {
        events.push(`${name} ${pid}`)
        running.delete(pid)
      },
    },
    lock: {
      recorded: () => leftBehind,
      record() {},
      forget: (pid) => void events.push(`forgot ${pid}`),
      release() {},
    },
    inherited: INHERITED,
    changed() {},
    publish: async () => void events.push(`published ${Object.keys(functions.addresses()).join()}`),
    async drained(addresses) {
      events.push(`drained ${addresses.join()}`)
      return true
    },
    ...overrides,
  })
  return functions
}

describe('the functions folder, before its host has read it', () => {
  it('holds by name what is in it, and what an earlier control process serves from it', () => {
    mkdirSync(join(folder, 'feed'))
    const { feed, addresses } = functionsFolder(folder)
    const loading = { revision: undefined, routes: [] }
    expect(feed.state()).toEqual([
      { name: 'functions/contact', ...loading },
      { name: 'functions/feed', ...loading },
    ])
    expect(addresses()).toEqual(INHERITED)
  })

  it('is not known to be empty where it cannot be read', () => {
    expect(functionsFolder(join(folder, 'none'), { leftBehind: [] }).feed.state()).toBeUndefined()
  })

  it('is known to be empty where there is none', () => {
    expect(functionsFolder(undefined, { leftBehind: [] }).feed.state()).toEqual([])
  })
})

describe('functions that an earlier control process left behind', () => {
  it('are ended, once nothing is sent to them, although the configuration names no folder any more', async () => {
    const functions = functionsFolder(undefined)
    functions.use(undefined)
    await functions.close()
    expect(events).toEqual(['published ', 'drained 127.0.0.1:4001', 'SIGTERM 77', 'forgot 77'])
    expect(functions.addresses()).toEqual({})
  })

  it('are ended although nobody lets go of them, where the router ends', async () => {
    const functions = functionsFolder(undefined, { drained: () => new Promise(() => {}) })
    functions.use(undefined)
    await functions.close()
    expect(events).toEqual(['published ', 'SIGTERM 77', 'forgot 77'])
  })
})
