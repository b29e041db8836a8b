import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml'
import type { Expanded } from '../kernel/environment.ts'
import { lineOf, lineStarts } from './lines.ts'
import { MAX_DEPTH, syntaxProblem, type YamlProblem } from './syntax.ts'

/**
 * YAML text → a tree of nodes that know where they stand. The parser's events carry offsets, so values and
 * positions come from one pass: a second parser kept only for positions costs ten times as much and may disagree.
 *
 * Plain scalars are `null`, `true`/`false` and decimal numbers as JavaScript would write them; all else is text:
 * `on`, `012`, `1.0` and dates stay what the user wrote.
 */
export type YamlNode = YamlScalar | YamlList | YamlMap

export type YamlScalar = {
  readonly kind: 'scalar'
  readonly offset: number
  readonly value: string | number | boolean | null
  /** The text in the file, before the environment was filled in: what messages may show. */
  readonly written: string
  /** True where the value came, in whole or part, from the environment: it must not be shown. */
  readonly substituted: boolean
  /** True where it could not be read and that has been reported: further complaints would be noise. */
  readonly broken: boolean
}

export type YamlList = {
  readonly kind: 'list'
  readonly offset: number
  readonly items: readonly YamlNode[]
  readonly value: readonly unknown[]
}

export type YamlMap = {
  readonly kind: 'map'
  readonly offset: number
  readonly entries: ReadonlyMap<string, YamlEntry>
  /** Without a prototype, so that no key is special. */
  readonly value: Readonly<Record<string, unknown>>
}

export type YamlEntry = { readonly keyOffset: number; readonly node: YamlNode }

/** All aliases of a file together may stand for this many values. */
const MAX_ALIASED = 20_000

/** Reads one document. Never throws on any text; `root` is absent where nothing could be made of it. */
export function readYaml(
  text: string,
  expand: (written: string) => Expanded,
): { readonly root?: YamlNode; readonly problems: readonly YamlProblem[] } {
  let events: Event[]
  try {
    events = parseEvents(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (error instanceof YAMLException) return { problems: [syntaxProblem(error, text)] }
    throw error
  }
  const builder = new TreeBuilder(text, expand)
  for (const event of events) builder.take(event)
  return builder.root === undefined
    ? { problems: builder.problems }
    : { root: builder.root, problems: builder.problems }
}

/** A node while its children arrive; `size` and `height` include what aliases below it stand for. */
type Frame = {
  readonly node: { kind: 'list'; offset: number; items: YamlNode[]; value: unknown[] } | OpenMap
  readonly anchor: string | undefined
  size: number
  height: number
  key: { readonly text: string; readonly offset: number; readonly refused: boolean } | undefined
}
type OpenMap = { kind: 'map'; offset: number; entries: Map<string, YamlEntry>; value: Record<string, unknown> }
type Anchored = { readonly node: YamlNode; readonly size: number; readonly height: number } | 'open'

class TreeBuilder {
  root: YamlNode | undefined
  readonly problems: YamlProblem[] = []
  readonly #text: string
  readonly #expand: (written: string) => Expanded
  readonly #frames: Frame[] = []
  readonly #anchors = new Map<string, Anchored>()
  #lines: readonly number[] | undefined
  #documents = 0
  #aliased = 0
  /** Where the last thing stood: an empty value has no offset of its own. */
  #last = 0

  constructor(text: string, expand: (written: string) => Expanded) {
    this.#text = text
    this.#expand = expand
  }

  take(event: Event): void {
    if (event.type === EVENT_ID.DOCUMENT) this.#document(event.directives.length > 0)
    else if (this.#documents > 1) return
    else if (event.type === EVENT_ID.POP) this.#close()
    else if (event.type === EVENT_ID.ALIAS) this.#alias(event.anchorStart, event.anchorEnd)
    else if (event.type === EVENT_ID.SCALAR) this.#scalar(event)
    else this.#open(event)
  }

  #document(directives: boolean): void {
    this.#documents++
    if (directives) this.#problem('yaml-directive', 0, '% directives are not supported', 'remove the line')
    if (this.#documents !== 2) return
    const marker = /^(?:---|\.\.\.)(?=\s|$)/m.exec(this.#text.slice(this.#last))
    const offset = this.#last + (marker?.index ?? 0)
    this.#problem(
      'several-documents',
      offset,
      'a second document starts here, one is allowed',
      'keep one file a router',
    )
  }

  #open(event: Extract<Event, { start: number }>): void {
    this.#last = event.start
    this.#refuseTag(event.tagStart, event.tagEnd)
    const anchor = this.#anchor(event.anchorStart, event.anchorEnd)
    if (anchor !== undefined) this.#anchors.set(anchor, 'open')
    const node: Frame['node'] =
      event.type === EVENT_ID.SEQUENCE
        ? { kind: 'list', offset: event.start, items: [], value: [] }
        : { kind: 'map', offset: event.start, entries: new Map(), value: Object.create(null) }
    this.#frames.push({ node, anchor, size: 1, height: 1, key: undefined })
  }

  #close(): void {
    const frame = this.#frames.pop()
    if (frame === undefined) return
    if (frame.anchor !== undefined) {
      this.#anchors.set(frame.anchor, { node: frame.node, size: frame.size, height: frame.height })
    }
    this.#add(frame.node, frame.size, frame.height)
  }

  #scalar(event: Extract<Event, { valueStart: number }>): void {
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
    const offset = event.valueStart < 0 ? this.#emptyStart() : event.valueStart - (quoted ? 1 : 0)
    if (event.valueStart >= 0) this.#last = event.valueEnd
    this.#refuseTag(event.tagStart, event.tagEnd)
    const written = getScalarValue(this.#text, event)
    const plain = event.style === SCALAR_STYLE.PLAIN
    const node = this.#awaitsKey() ? keyNode(offset, written) : this.#value(offset, written, plain)
    const anchor = this.#anchor(event.anchorStart, event.anchorEnd)
    if (anchor !== undefined) this.#anchors.set(anchor, { node, size: 1, height: 0 })
    this.#add(node, 1, 0, plain)
  }

  /** Where to point for a value that is not there: at its key. */
  #emptyStart(): number {
    return this.#frames.at(-1)?.key?.offset ?? this.#last
  }

  #value(offset: number, written: string, plain: boolean): YamlScalar {
    const value = plain ? plainValue(written) : written
    if (typeof value !== 'string' || !written.includes('$')) {
      return { kind: 'scalar', offset, value, written, substituted: false, broken: false }
    }
    const expanded = this.#expand(written)
    if (expanded.problem !== undefined) this.problems.push({ ...expanded.problem, offset })
    const { substituted } = expanded
    return {
      kind: 'scalar',
      offset,
      value: expanded.value,
      written,
      substituted,
      broken: expanded.problem !== undefined,
    }
  }

  #alias(start: number, end: number): void {
    const name = this.#text.slice(start, end)
    const offset = start - 1
    this.#last = end
    const anchored = this.#anchors.get(name)
    if (anchored === undefined) {
      this.#problem('unknown-alias', offset, `alias *${name} has no anchor &${name} before it`)
    } else if (anchored === 'open') {
      this.#problem('recursive-alias', offset, `alias *${name} stands inside its own anchor &${name}`)
    } else if (this.#aliased + anchored.size > MAX_ALIASED) {
      this.#problem(
        'alias-limit',
        offset,
        `alias *${name} makes the file stand for more than ${MAX_ALIASED} repeated values`,
        'write the values out, or repeat less',
      )
    } else if (this.#frames.length + anchored.height > MAX_DEPTH) {
      this.#problem('nesting', offset, `alias *${name} nests deeper than ${MAX_DEPTH} levels`)
    } else {
      this.#aliased += anchored.size
      this.#add(anchored.node, anchored.size, anchored.height)
      return
    }
    this.#add({ kind: 'scalar', offset, value: null, written: `*${name}`, substituted: false, broken: true }, 1, 0)
  }

  #awaitsKey(): boolean {
    const frame = this.#frames.at(-1)
    return frame?.node.kind === 'map' && frame.key === undefined
  }

  #add(node: YamlNode, size: number, height: number, plain = false): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) {
      this.root = node
      return
    }
    frame.size += size
    frame.height = Math.max(frame.height, height + 1)
    if (frame.node.kind === 'list') {
      frame.node.items.push(node)
      frame.node.value.push(node.value)
    } else if (frame.key === undefined) frame.key = this.#key(node, plain)
    else {
      const { text, offset, refused } = frame.key
      frame.key = undefined
      if (refused) return
      const first = frame.node.entries.get(text)
      if (first !== undefined) {
        this.#lines ??= lineStarts(this.#text)
        const line = lineOf(this.#lines, first.keyOffset) + 1
        this.#problem('duplicate-key', offset, `key "${text}" is written twice in one map`, `first on line ${line}`)
        return
      }
      frame.node.entries.set(text, { keyOffset: offset, node })
      frame.node.value[text] = node.value
    }
  }

  #key(node: YamlNode, plain: boolean): { text: string; offset: number; refused: boolean } {
    if (node.kind !== 'scalar' || node.broken || (plain && plainValue(node.written) === null)) {
      this.#problem('bad-key', node.offset, 'a key must be text')
      return { text: '', offset: node.offset, refused: true }
    }
    if (plain && node.written === '<<') {
      this.#problem('merge-key', node.offset, 'merge keys (<<) are not supported', 'write the keys out')
      return { text: '<<', offset: node.offset, refused: true }
    }
    return { text: node.written, offset: node.offset, refused: false }
  }

  #anchor(start: number, end: number): string | undefined {
    return start < 0 ? undefined : this.#text.slice(start, end)
  }

  #refuseTag(start: number, end: number): void {
    if (start < 0) return
    const tag = this.#text.slice(start, end)
    this.#problem('yaml-tag', start, `tag ${tag} is not supported`, 'remove it; write text in quotes')
  }

  #problem(code: string, offset: number, message: string, hint?: string): void {
    this.problems.push({ code, offset, message, ...(hint === undefined ? {} : { hint }) })
  }
}

function keyNode(offset: number, written: string): YamlScalar {
  return { kind: 'scalar', offset, value: written, written, substituted: false, broken: false }
}

function plainValue(written: string): string | number | boolean | null {
  if (written === 'true') return true
  if (written === 'false') return false
  if (written === '' || written === '~' || written === 'null') return null
  const first = written.charCodeAt(0)
  if ((first < 48 || first > 57) && first !== 45) return written
  const number = Number(written)
  // Only numbers that print as they were written: `012`, `1e3` or sixteen digits are names or versions, not amounts.
  return String(number) === written && Number.isFinite(number) ? number : written
}
