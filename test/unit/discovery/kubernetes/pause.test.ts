import { expect, it } from 'vitest'
import { atMostEvery, pauseAfter } from '../../../../router/discovery/sources/kubernetes/pause.ts'
import { manualClock } from '../../../../router/kernel/clock.ts'

it('runs at once, and then once for all that came within the time', () => {
  const clock = manualClock()
  const times: number[] = []
  const ask = atMostEvery(20, clock, () => void times.push(clock.elapsed()))
  ask()
  clock.advance(5)
  ask()
  ask()
  clock.advance(40)
  ask()
  expect(times).toEqual([0, 20, 45])
})

it.each([
  { misses: 0, least: 375, most: 625 },
  { misses: 3, least: 3_000, most: 5_000 },
  { misses: 40, least: 22_500, most: 37_500 },
])('waits from $least to $most ms after $misses tries in vain', ({ misses, least, most }) => {
  expect([pauseAfter(misses, () => 0), pauseAfter(misses, () => 1)]).toEqual([least, most])
})
