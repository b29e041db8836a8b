import { eventually } from '../e2e/supervised.ts'
import { never, nothingNoticed, pause, type Scenario } from './scenario.ts'
import { post, type Stage } from './stage.ts'

const LOAD = { clients: 12, kinds: ['quick', 'quick', 'slow', 'big'], posts: 5 } as const

/** What goes wrong in the router itself. The last one ends it, and starts another. */
export const WITHIN: readonly Scenario[] = [
  {
    name: 'data-plane process killed',
    load: LOAD,
    async harm({ router }, seconds) {
      const [victim = 0] = router.pids().dataplanes
      await pause((seconds * 1000) / 3)
      process.kill(victim, 'SIGKILL')
      await pause((seconds * 1000) / 3)
      await eventually(async () => {
        const pids = (await router.status()).processes.map(({ pid }) => pid)
        if (pids.length !== 2 || pids.includes(victim)) throw new Error(`processes ${pids.join(', ')}`)
      })
      await pause((seconds * 1000) / 3)
    },
    // One request at a time on a connection: what was in flight there is at most one a client.
    broken({ begun, ...joined }) {
      const most = LOAD.clients
      const all = joined.lost.length + begun
      return [...never({ ...joined, begun }, most), ...(all <= most ? [] : [`${all} requests were cut off`])]
    },
  },
  {
    name: 'control killed',
    load: LOAD,
    async harm({ router }, seconds) {
      const { control } = router.pids()
      await pause((seconds * 1000) / 3)
      process.kill(control, 'SIGKILL')
      await pause((seconds * 1000) / 3)
      await eventually(async () => {
        if ((await router.status()).pid === control) throw new Error('not started again')
      })
      await pause((seconds * 1000) / 3)
    },
    broken: nothingNoticed,
  },
  {
    name: 'reload storm',
    load: LOAD,
    async harm(stage, seconds) {
      const end = performance.now() + seconds * 1000
      for (let turn = 0; performance.now() < end; turn++) await stage.reload(turn)
    },
    broken: nothingNoticed,
  },
  {
    name: 'rolling restart',
    load: LOAD,
    async harm(stage, seconds) {
      const end = performance.now() + seconds * 1000
      do await roll(stage)
      while (performance.now() < end)
    },
    broken: nothingNoticed,
  },
  {
    name: 'supervisor killed',
    load: LOAD,
    async harm({ router }, seconds) {
      await pause((seconds * 1000) / 3)
      await router.stop('SIGKILL')
      await pause(200)
      await router.up()
      await pause((seconds * 1000) / 3)
    },
    // Whoever had no request there is refused until the next one serves; a request that meets the closing of its idle
    // connection is lost, at most one a kept connection.
    broken: (joined) => never(joined, LOAD.clients / 2),
  },
]

/** Replaces both data-plane processes; resolves when two others serve. */
async function roll({ router }: Stage): Promise<void> {
  const before = (await router.status()).processes.map(({ pid }) => pid)
  await post(router, '/api/reload', { processes: true })
  await eventually(async () => {
    const pids = (await router.status()).processes.map(({ pid }) => pid)
    if (pids.length !== 2 || pids.some((pid) => before.includes(pid))) throw new Error(`processes ${pids.join(', ')}`)
  }, 30_000)
}
