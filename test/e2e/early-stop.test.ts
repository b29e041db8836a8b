import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { prepareRouter, type Router, spawnUp } from './router.ts'
import { commandLine, eventually } from './supervised.ts'

let router: Router
afterEach(() => router.close())

describe('a router that is stopped while it starts', () => {
  it.each(['dataplanes', 'workerds'] as const)(
    'as soon as it has %s ends in order and leaves nothing',
    async (begun) => {
      router = await prepareRouter('functions: functions\n', {
        // Loads for longer than the router has to end.
        'functions/slow/index.js': 'await new Promise((done) => setTimeout(done, 8000)); export default { fetch() {} }',
      })
      const child = spawnUp(router.config)
      const ended = new Promise((resolve) => child.on('exit', resolve))
      const pids = await eventually(() => {
        const found = router.pids()
        expect(found[begun].length).toBeGreaterThan(0)
        return found
      })
      child.kill('SIGINT')
      expect(await ended).toBe(0)
      const { supervisor, control, dataplanes, workerds } = pids
      const all = [supervisor, control, ...dataplanes, ...workerds]
      expect(all.map(commandLine).filter((line) => line !== '')).toEqual([])
      expect(existsSync(join(router.stateFolder, 'run.json'))).toBe(false)
      expect(readdirSync(router.stateFolder)).not.toContain('run.json.taking')
    },
  )
})
