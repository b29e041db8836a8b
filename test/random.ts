/** Chance that can be repeated: whoever fails prints its seed. */
export type Random = {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [0, end). */
  below(end: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly [T, ...T[]]): T
}

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (list) => list[below(list.length)] ?? list[0],
  }
}

/** The text cut into pieces at random places, or byte by byte; joined they are the text. */
export function segments(text: string, random: Random): string[] {
  if (text.length <= 400 && random.chance(0.1)) return [...text]
  const cuts = Array.from({ length: random.below(5) }, () => random.below(text.length))
  const places = [...new Set([0, ...cuts, text.length])].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => text.slice(places[index], end))
}
