import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'

/** Called often in long work: a promise means that others need the loop first. */
export type Pause = () => Promise<void> | undefined

/** A pause that lets the event loop turn whenever this work has held it for `sliceMs`. */
export function slices(clock: Clock, sliceMs: number): Pause {
  let began = clock.elapsed()
  return () => {
    if (clock.elapsed() - began < sliceMs) return undefined
    return setImmediate().then(() => {
      began = clock.elapsed()
    })
  }
}
