import type { Clock } from '../kernel/clock.ts'

/** Granularity of every deadline of the data plane, in milliseconds. */
const TICK_MS = 50
/** A power of two; a deadline further away than all slots is looked at again when the wheel has turned. */
const SLOTS = 512

/**
 * One timer for all deadlines. Setting or clearing one is a few instructions: a deadline that moved later stays in
 * its slot and is looked at again when its turn comes, so most of them never move at all.
 */
export class Wheel {
  readonly #clock: Clock
  readonly #slots: (Deadline | undefined)[] = new Array(SLOTS).fill(undefined)
  #entries = 0
  #turned = 0
  #running = false
  #stop: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For `Deadline` only: puts it where it is due. */
  add(deadline: Deadline): void {
    if (!this.#running) this.#start()
    const due = Math.ceil(deadline.at / TICK_MS)
    const slot = Math.min(Math.max(due, this.#turned + 1), this.#turned + SLOTS - 1)
    const first = this.#slots[slot % SLOTS]
    deadline.slot = slot
    deadline.next = first
    deadline.previous = undefined
    if (first !== undefined) first.previous = deadline
    this.#slots[slot % SLOTS] = deadline
    this.#entries++
  }

  /** For `Deadline` only: takes it out. */
  remove(deadline: Deadline): void {
    const { next, previous, slot } = deadline
    if (previous !== undefined) previous.next = next
    else this.#slots[slot % SLOTS] = next
    if (next !== undefined) next.previous = previous
    deadline.slot = -1
    deadline.next = undefined
    deadline.previous = undefined
    this.#entries--
  }

  /** Monotonic milliseconds. */
  now(): number {
    return this.#clock.elapsed()
  }

  /** Ends the timer; deadlines no longer come due. */
  close(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #start(): void {
    this.#running = true
    this.#turned = Math.floor(this.now() / TICK_MS)
    this.#stop = this.#clock.after(TICK_MS, this.#tick)
  }

  readonly #tick = (): void => {
    const time = this.now()
    const now = Math.floor(time / TICK_MS)
    // After a long stall every slot is visited once; more turns would find nothing else.
    this.#turned = Math.max(this.#turned, now - SLOTS)
    while (this.#turned < now) this.#visit(++this.#turned, time)
    this.#running = this.#entries > 0
    this.#stop = this.#running ? this.#clock.after(TICK_MS, this.#tick) : undefined
  }

  #visit(tick: number, time: number): void {
    let deadline = this.#slots[tick % SLOTS]
    while (deadline !== undefined) {
      this.remove(deadline)
      if (deadline.at <= time) deadline.expire()
      else if (deadline.at < Number.POSITIVE_INFINITY) this.add(deadline)
      deadline = this.#slots[tick % SLOTS]
    }
  }
}

/** A point in time at which `onExpired` runs, unless it is moved or cleared before. Whoever made one cancels it. */
export class Deadline {
  at = Number.POSITIVE_INFINITY
  slot = -1
  next: Deadline | undefined
  previous: Deadline | undefined
  readonly #wheel: Wheel
  readonly #onExpired: () => void

  constructor(wheel: Wheel, onExpired: () => void) {
    this.#wheel = wheel
    this.#onExpired = onExpired
  }

  /** Moves it to `ms` from now. */
  set(ms: number): void {
    this.at = this.#wheel.now() + ms
    if (this.slot < 0) this.#wheel.add(this)
    else if (this.at < this.slot * TICK_MS - TICK_MS) {
      this.#wheel.remove(this)
      this.#wheel.add(this)
    }
  }

  /** Nothing happens at it any more; it may be set again. */
  clear(): void {
    this.at = Number.POSITIVE_INFINITY
  }

  /** Clears it and lets go of its owner. */
  cancel(): void {
    this.clear()
    if (this.slot >= 0) this.#wheel.remove(this)
  }

  /** For `Wheel` only. */
  expire(): void {
    this.clear()
    this.#onExpired()
  }
}
