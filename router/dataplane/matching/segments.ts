/**
 * Where the segments of one key start and end, with their hashes, in arrays that are used again for every request.
 * Only as many are read as the deepest template has.
 */
export class KeySegments {
  /** Segments read. */
  count = 0
  /** Whether the key has more segments than were read. */
  deeper = false
  /** Whether the key ends with a slash that is not the root's. */
  slash = false
  #known = false
  #reach = 0
  #starts = new Int32Array(8)
  #ends = new Int32Array(8)
  #hashes = new Int32Array(8)

  start(at: number): number {
    return this.#starts[at] ?? 0
  }

  end(at: number): number {
    return this.#ends[at] ?? 0
  }

  hash(at: number): number {
    return this.#hashes[at] ?? 0
  }

  /** A template has so many segments. */
  reach(depth: number): void {
    if (depth <= this.#reach) return
    this.#reach = depth
    if (depth <= this.#starts.length) return
    this.#starts = new Int32Array(depth * 2)
    this.#ends = new Int32Array(depth * 2)
    this.#hashes = new Int32Array(depth * 2)
  }

  /** The next key is another one. */
  clear(): void {
    this.#known = false
  }

  /** Reads a key, unless that has been done since `clear`. */
  scan(key: string, slash: boolean): void {
    if (this.#known) return
    this.#known = true
    this.slash = slash
    const limit = slash ? key.length - 1 : key.length
    let count = 0
    let position = 1
    while (position < limit && count < this.#reach) {
      let hash = HASH_START
      let end = position
      for (; end < limit; end++) {
        const code = key.charCodeAt(end)
        if (code === SLASH) break
        hash = hashStep(hash, code)
      }
      this.#starts[count] = position
      this.#ends[count] = end
      this.#hashes[count] = hash
      count++
      position = end + 1
    }
    this.count = count
    this.deeper = position < limit
  }
}

/** The hash of a whole text, as `scan` computes it of a segment. */
export function hashText(text: string): number {
  let hash = HASH_START
  for (let index = 0; index < text.length; index++) hash = hashStep(hash, text.charCodeAt(index))
  return hash
}

const SLASH = 0x2f
const HASH_START = 0x811c9dc5

/** One step of FNV-1a. */
function hashStep(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193)
}
