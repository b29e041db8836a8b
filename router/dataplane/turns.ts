import type { Clock } from '../kernel/clock.ts'
import type { Tally } from '../kernel/tally.ts'
import type { Gate } from './gate.ts'

/**
 * Shares new connections evenly with the processes that accept from the same sockets.
 *
 *   accepted → ahead of the others? shut the gates → look again soon → others have caught up: open them
 *
 * Nothing is handed over: what one does not take waits in the socket's queue, which belongs to all. One that takes
 * nothing while connections wait is left out of account until it does.
 */
export type Turns = {
  /** From the first gate on, the others see this process and wait for it. */
  join(gate: Gate): void
  /** A connection was taken. */
  accepted(): void
  /** Looks at once whether the others have caught up: another has asked for it, or has ended. */
  look(): void
  /** Takes what comes from now on; the others do not wait for this process any more. */
  leave(): void
}

export type TurnsOptions = {
  /**
   * For each place: its level (connections it has had, as far as they still count), one more than it has ever had
   * (zero: nobody is there), and whether it is ahead and will look again only in a while.
   */
  readonly tally: Tally
  /** Where this process writes. */
  readonly place: number
  readonly clock: Clock
  /** Calls back when every socket that is ready has been looked at once. */
  readonly soon: (run: () => void) => void
  /** Has the others `look` at once. */
  readonly wake: () => void
}

/** Takes no part until `join`. */
export function createTurns(options: TurnsOptions): Turns {
  return new LiveTurns(options)
}

/** Whoever has had so many connections more than another waits for it. */
const LEAD = 2
/** Where more than this come to a process within a window, the lead grows: no connection shall wait for exactness. */
const BUSY = 100
const BUSY_PER_LEAD = 4
const WINDOW_MS = 100
/** While the gates are shut: how soon to look again, from the one to the other as long as nothing changes. */
const SHORTEST_MS = 1
const LONGEST_MS = 50
/** Whoever waits longer than this is to be woken when it is its turn. */
const NAP_MS = 2
/** So long the others may take nothing before it is seen whether connections wait. */
const PATIENCE_MS = 100
/** So many that waited are proof: one may have come in the very moment, or the others have had no CPU for a while. */
const PROOF = 8

class LiveTurns implements Turns {
  readonly #tally: Tally
  readonly #place: number
  readonly #clock: Clock
  readonly #soon: (run: () => void) => void
  readonly #wake: () => void
  readonly #gates: Gate[] = []
  #joined = false
  #level = 0
  #count = 1
  /** Every place's count when it was last looked at, and that at which it was left out of account. */
  readonly #seen: number[]
  readonly #excused: number[]
  #shut = false
  #peeking = false
  /** Connections that were taken though it was the others' turn, since the gates were shut. */
  #found = 0
  #wait = SHORTEST_MS
  #asleep = false
  #quietSince = 0
  #cancel = (): void => {}
  #windowFrom = 0
  #inWindow = 0
  #inLastWindow = 0

  constructor({ tally, place, clock, soon, wake }: TurnsOptions) {
    this.#tally = tally
    this.#place = place
    this.#clock = clock
    this.#soon = soon
    this.#wake = wake
    this.#seen = tally.read().map(() => 0)
    this.#excused = [...this.#seen]
  }

  join(gate: Gate): void {
    this.#gates.push(gate)
    if (this.#shut) gate.shut()
    if (this.#joined) return
    this.#joined = true
    // Level with the others, or all that comes would be left to it until it is.
    const { lowest } = this.#others()
    this.#level = lowest === Number.POSITIVE_INFINITY ? 0 : lowest
    this.#write()
  }

  accepted(): void {
    if (!this.#joined) return
    this.#countInWindow()
    this.#level += 1
    this.#count += 1
    if (this.#peeking) this.#find()
    const { lowest, asleep } = this.#others()
    const ahead = this.#isAhead(lowest)
    this.#write()
    if (ahead && asleep) this.#wake()
    if (ahead && !this.#shut) this.#close()
    else if (ahead) this.#setGates('shut')
    else if (this.#shut) this.#open()
  }

  look(): void {
    if (!this.#shut) return
    this.#cancel()
    this.#lookAgain()
  }

  leave(): void {
    if (!this.#joined) return
    this.#joined = false
    this.#open()
    this.#tally.write(this.#place, [0, 0, 0])
  }

  #write(): void {
    this.#tally.write(this.#place, [this.#level, this.#count, this.#asleep ? 1 : 0])
  }

  /** The others' lowest level; whether any has had a connection since the last call; whether one behind us sleeps. */
  #others(): { lowest: number; moved: boolean; asleep: boolean } {
    let lowest = Number.POSITIVE_INFINITY
    let moved = false
    let asleep = false
    for (const [place, [level = 0, count = 0, nap = 0]] of this.#tally.read().entries()) {
      if (place === this.#place) continue
      if (count !== this.#seen[place]) moved = true
      this.#seen[place] = count
      if (count === 0 || count === this.#excused[place]) continue
      if (level < lowest) lowest = level
      if (nap === 1 && level < this.#level) asleep = true
    }
    return { lowest, moved, asleep }
  }

  #isAhead(lowest: number): boolean {
    const most = lowest + this.#lead()
    // What one that hung has missed is not made up for later: that would leave all that comes next to it.
    this.#level = Math.min(this.#level, most + this.#found)
    return this.#level >= most
  }

  #lead(): number {
    const busy = Math.max(this.#inWindow, this.#inLastWindow) - BUSY
    return LEAD + Math.max(0, Math.floor(busy / BUSY_PER_LEAD))
  }

  #countInWindow(): void {
    const now = this.#clock.elapsed()
    const windows = Math.floor((now - this.#windowFrom) / WINDOW_MS)
    if (windows > 0) {
      this.#inLastWindow = windows === 1 ? this.#inWindow : 0
      this.#inWindow = 0
      this.#windowFrom += windows * WINDOW_MS
    }
    this.#inWindow += 1
  }

  #close(): void {
    this.#shut = true
    this.#setGates('shut')
    this.#quietSince = this.#clock.elapsed()
    this.#lookAfter(SHORTEST_MS)
  }

  #open(): void {
    this.#cancel()
    this.#shut = false
    this.#found = 0
    this.#setGates('open')
    this.#nap(false)
  }

  #nap(asleep: boolean): void {
    if (asleep === this.#asleep) return
    this.#asleep = asleep
    this.#write()
  }

  #setGates(to: 'open' | 'shut'): void {
    for (const gate of this.#gates) gate[to]()
  }

  #lookAfter(wait: number): void {
    this.#wait = wait
    this.#cancel = this.#clock.after(wait, () => this.#lookAgain())
  }

  #lookAgain(): void {
    const { lowest, moved } = this.#others()
    const level = this.#level
    const ahead = this.#isAhead(lowest)
    if (this.#level !== level) this.#write()
    if (!ahead) {
      this.#open()
      return
    }
    if (moved) this.#quietSince = this.#clock.elapsed()
    this.#lookAfter(moved ? SHORTEST_MS : Math.min(LONGEST_MS, this.#wait * 2))
    this.#nap(this.#wait > NAP_MS)
    if (this.#clock.elapsed() - this.#quietSince >= PATIENCE_MS) this.#peek()
  }

  /** Takes one connection if one waits, whatever keeps those whose turn it is. */
  #peek(): void {
    this.#peeking = true
    this.#setGates('open')
    this.#soon(() => {
      this.#peeking = false
      if (this.#shut) this.#setGates('shut')
    })
  }

  #find(): void {
    this.#found += 1
    this.#cancel()
    this.#lookAfter(SHORTEST_MS)
    if (this.#found >= PROOF) this.#excuse()
  }

  /** Leaves those that are behind out of account, until they have taken a connection. */
  #excuse(): void {
    for (const [place, [level = 0]] of this.#tally.read().entries()) {
      if (this.#level - level > LEAD) this.#excused[place] = this.#seen[place] ?? 0
    }
  }
}
