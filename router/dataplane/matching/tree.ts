import { compareSegments, type Segment, type Template } from '../../kernel/template.ts'
import { fullRegex } from './conditions.ts'
import { Leaf } from './leaf.ts'
import { comparePaths, type RegexPath } from './precedence.ts'
import { hashText } from './segments.ts'

/** Everything that rules of one host pattern say about paths. */
export class PathTree {
  /** Templates of literals only, by path: nothing else under the host can beat them. */
  readonly literals = new Map<string, Leaf>()
  /** The same leaves by their path with the slash that they ignore. */
  readonly slashed = new Map<string, Leaf>()
  readonly root = new PathNode()
  /** Best first; asked after every template. */
  readonly regexes: RegexLeaf[] = []
  /** Segments of the deepest template in `root`; 0 and `bare`: there is none. */
  depth = 0
  bare = true

  leafFor(path: Template | RegexPath, fold: boolean): Leaf {
    if ('regex' in path) return this.#regexLeaf(path, fold)
    if (path.segments.every((segment) => segment.kind === 'literal')) return this.#literalLeaf(path)
    this.bare = false
    let node = this.root
    const segments = path.segments.filter((segment) => segment.kind !== 'rest')
    for (const segment of segments) node = node.childFor(segment)
    this.depth = Math.max(this.depth, segments.length)
    if (segments.length < path.segments.length) {
      node.rest ??= new Leaf()
      return node.rest
    }
    if (path.slash) {
      node.slashEnd ??= new Leaf()
      return node.slashEnd
    }
    node.end ??= new Leaf()
    return node.end
  }

  #literalLeaf(path: Template): Leaf {
    const leaf = this.literals.get(path.key) ?? new Leaf()
    this.literals.set(path.key, leaf)
    if (!path.slash) this.slashed.set(`${path.key}/`, leaf)
    return leaf
  }

  #regexLeaf(path: RegexPath, fold: boolean): Leaf {
    const known = this.regexes.find((other) => other.path.regex === path.regex)
    if (known !== undefined) return known.leaf
    const added = { path, matches: fullRegex(path.regex, fold), leaf: new Leaf() }
    this.regexes.push(added)
    this.regexes.sort((a, b) => comparePaths(a.path, b.path))
    return added.leaf
  }
}

/** A regular expression and its rules; `matches` is asked for the whole key. */
export type RegexLeaf = {
  readonly path: RegexPath
  readonly matches: (key: string) => boolean
  readonly leaf: Leaf
}

/** A place in the tree, `depth` segments below the root; its leaves are where templates end. */
export class PathNode {
  literals: LiteralTable | undefined
  /** Best first. */
  readonly partials: { readonly segment: PartialSegment; readonly node: PathNode }[] = []
  param: PathNode | undefined
  end: Leaf | undefined
  slashEnd: Leaf | undefined
  rest: Leaf | undefined

  childFor(segment: Segment): PathNode {
    if (segment.kind === 'literal') {
      this.literals ??= new LiteralTable()
      return this.literals.childFor(segment.text)
    }
    if (segment.kind === 'partial') return this.#partialFor(segment)
    this.param ??= new PathNode()
    return this.param
  }

  #partialFor(segment: PartialSegment): PathNode {
    let low = 0
    let high = this.partials.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.partials[middle]
      const order = other === undefined ? 0 : compareSegments(other.segment, segment)
      if (order === 0 && other !== undefined) return other.node
      if (order < 0) low = middle + 1
      else high = middle
    }
    const node = new PathNode()
    this.partials.splice(low, 0, { segment, node })
    return node
  }
}

type PartialSegment = Extract<Segment, { kind: 'partial' }>

/**
 * Children by literal segment. An own table, because a Map would need each segment of each request as a string
 * of its own; this one compares within the path.
 */
export class LiteralTable {
  #texts: (string | undefined)[] = new Array(4).fill(undefined)
  #nodes: (PathNode | undefined)[] = new Array(4).fill(undefined)
  #size = 0

  /** The child for `path` from `start` to `end`, whose hash is given. */
  find(path: string, start: number, end: number, hash: number): PathNode | undefined {
    const mask = this.#texts.length - 1
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const text = this.#texts[slot]
      if (text === undefined) return undefined
      if (text.length === end - start && path.startsWith(text, start)) return this.#nodes[slot]
    }
  }

  childFor(text: string): PathNode {
    const known = this.find(text, 0, text.length, hashText(text))
    if (known !== undefined) return known
    this.#size++
    if (this.#size * 2 > this.#texts.length) this.#grow()
    const node = new PathNode()
    this.#put(text, node)
    return node
  }

  #grow(): void {
    const texts = this.#texts
    const nodes = this.#nodes
    this.#texts = new Array(texts.length * 2).fill(undefined)
    this.#nodes = new Array(texts.length * 2).fill(undefined)
    for (const [slot, text] of texts.entries()) {
      if (text !== undefined) this.#put(text, nodes[slot])
    }
  }

  #put(text: string, node: PathNode | undefined): void {
    const mask = this.#texts.length - 1
    const hash = hashText(text)
    let slot = (hash ^ (hash >>> 15)) & mask
    while (this.#texts[slot] !== undefined) slot = (slot + 1) & mask
    this.#texts[slot] = text
    this.#nodes[slot] = node
  }
}
