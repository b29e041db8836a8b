import { expect, it, vi } from 'vitest'
import { startDiscovery } from '../../../router/discovery/index.ts'
import { manualClock } from '../../../router/kernel/clock.ts'
import { silentLog } from '../../../router/kernel/log.ts'
import { specOf } from '../config/decoding.ts'

it('another place to look for a description is looked at at once, although no endpoint changed', async () => {
  const asked: string[] = []
  const clock = manualClock(1_000)
  const written = (place: string) =>
    specOf(`upstreams: { vets: { url: "http://10.0.0.1", discover: { openapi: ${place} } } }`)
  const discovery = startDiscovery({
    spec: written('/a.json'),
    functions: undefined,
    fetch: async ({ path }) => {
      asked.push(path)
      return { kind: 'unreachable', why: 'nobody is there' }
    },
    clock,
    random: () => 0,
    log: silentLog,
    changed: () => {},
  })
  clock.advance(0)
  await vi.waitFor(() => expect(asked).toEqual(['/a.json']), { interval: 2 })
  discovery.update(written('/b.json'))
  clock.advance(0)
  await vi.waitFor(() => expect(asked).toEqual(['/a.json', '/b.json']), { interval: 2 })
  discovery.update(written('off'))
  expect(discovery.observations()).toEqual([])
  await discovery.close()
})
