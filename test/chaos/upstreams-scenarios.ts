import { startLoad } from './load.ts'
import { never, nothingNoticed, pause, type Scenario } from './scenario.ts'
import { readSlowly, sendSlowly, stall } from './slow.ts'

const MIXED = ['quick', 'quick', 'slow', 'big'] as const

/** What goes wrong before and behind the router. */
export const AROUND: readonly Scenario[] = [
  {
    name: 'endpoint killed',
    load: { clients: 12, kinds: MIXED, posts: 5 },
    async harm({ pair }, seconds) {
      const every = Math.min(5_000, (seconds * 1000) / 4)
      const end = performance.now() + seconds * 1000
      for (let turn = 0; performance.now() < end; turn++) {
        const victim = pair[turn % 2 === 0 ? 0 : 1]
        await pause(every / 2)
        await victim.kill()
        await pause(every / 2)
        await victim.start()
      }
    },
    broken(joined) {
      const failed = joined.noted.filter(({ method, outcome }) => method === 'GET' && outcome === 'promised')
      const late = failed.length === 0 ? [] : [`${failed.length} GETs failed although another endpoint could answer`]
      return [...never(joined), ...late]
    },
  },
  {
    name: 'endpoint hangs',
    load: { clients: 8, kinds: MIXED, posts: 5 },
    async harm({ router }, seconds) {
      const hanging = startLoad({ port: router.port, clients: 40, kinds: ['hang'], prefix: '/other' })
      await pause(seconds * 1000)
      await hanging.stop()
      const codes = new Set(hanging.noted.map(({ outcome, detail }) => `${outcome} ${detail}`))
      const expected = ['promised connection_read_timeout', 'promised upstream_overloaded']
      const unexpected = [...codes].filter((code) => !expected.includes(code))
      if (unexpected.length > 0 || codes.size < 2) throw new Error(`the hanging route said ${[...codes].join(', ')}`)
    },
    broken: nothingNoticed,
  },
  {
    name: 'reset in mid-body',
    load: { clients: 8, kinds: ['half', 'quick'] },
    harm: (_, seconds) => pause(seconds * 1000),
    broken(joined) {
      const halves = joined.noted.filter(({ kind }) => kind === 'half')
      const told = halves.every(({ outcome }) => outcome === 'begun')
      return [...never(joined), ...(told && halves.length > 0 ? [] : ['a reset answer was not reset for its client'])]
    },
  },
  {
    name: 'slow clients',
    load: { clients: 8, kinds: MIXED, posts: 5 },
    harm: ({ router }, seconds) => readSlowly(router.port, 20, seconds * 1000),
    broken: nothingNoticed,
  },
  {
    name: 'slow uploads',
    load: { clients: 8, kinds: MIXED, posts: 5 },
    harm: ({ router }, seconds) => sendSlowly(router.port, 20, seconds * 1000),
    broken: nothingNoticed,
  },
  {
    name: '1,000 slowloris',
    load: { clients: 8, kinds: MIXED, posts: 5 },
    harm: ({ router }, seconds) => stall(router.port, 1_000, seconds * 1000),
    broken: nothingNoticed,
  },
]
