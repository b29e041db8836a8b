import type { Seen } from '../../model/catalogue.ts'

/** One segment of all paths that begin alike. */
export type Node = {
  /** Its own segment looks like a name or a word, not like letters with digits. */
  readonly word: boolean
  /** Segments that stand for themselves so far. */
  readonly literals: Map<string, Node>
  /** What any value leads to; undefined: no value was seen. */
  value: Node | undefined
  /** Words have turned out to be values here, so that the next word is likely one too. */
  words: boolean
  /** How many words that was. */
  values: number
  /** Requests that came through. */
  count: number
  /** Requests that end here, by method. */
  readonly seen: Map<string, Seen>
}

/** A segment that nobody has asked for yet. */
export function emptyNode(word: boolean): Node {
  return { word, literals: new Map(), value: undefined, words: false, values: 0, count: 0, seen: new Map() }
}

/** Nodes in a tree, itself included. */
export function sizeOf(node: Node): number {
  let size = 1
  for (const child of childrenOf(node)) size += sizeOf(child)
  return size
}

/** Literals and values alike. */
export function childrenOf({ literals, value }: Node): readonly Node[] {
  return value === undefined ? [...literals.values()] : [...literals.values(), value]
}

/** Adds what another node has, all that follows it included; the other one must not be used any more. */
export function absorb(into: Node, other: Node): void {
  into.count += other.count
  into.words ||= other.words
  into.values += other.values
  for (const [method, seen] of other.seen) note(into, method, seen)
  for (const [text, child] of other.literals) {
    const known = into.literals.get(text)
    if (known === undefined) into.literals.set(text, child)
    else absorb(known, child)
  }
  if (other.value === undefined) return
  if (into.value === undefined) into.value = other.value
  else absorb(into.value, other.value)
}

/** Counts requests that end here. */
export function note(node: Node, method: string, seen: Seen): void {
  const known = node.seen.get(method)
  node.seen.set(method, known === undefined ? seen : addSeen(known, seen))
}

/** The sum of two. */
export function addSeen(a: Seen, b: Seen): Seen {
  const statuses: Record<number, number> = { ...a.statuses }
  for (const [status, count] of Object.entries(b.statuses)) {
    statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count
  }
  return { count: a.count + b.count, first: Math.min(a.first, b.first), last: Math.max(a.last, b.last), statuses }
}
