import { describe, expect, it } from 'vitest'
import { createBackoff } from '../../../router/supervisor/backoff.ts'

describe('the back-off of a child that ends', () => {
  it('is none at first, then grows to five seconds while it dies young', () => {
    const backoff = createBackoff()
    expect(Array.from({ length: 9 }, () => backoff.next(50))).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
  })

  it('starts again with a child that lived', () => {
    const backoff = createBackoff()
    for (let count = 0; count < 5; count += 1) backoff.next(50)
    expect([backoff.next(60_000), backoff.next(50)]).toEqual([0, 100])
  })
})
