import { piecesMatch } from '../kernel/template.ts'
import type { PlanRule } from '../model/plan.ts'
import { type ConditionRequest, conditionsOf } from './matching/conditions.ts'
import { type Considered, judge, settle } from './matching/considered.ts'
import { type Entry, Leaf, type MethodQuestion } from './matching/leaf.ts'
import { hostMatches, rankMatch } from './matching/precedence.ts'
import { KeySegments } from './matching/segments.ts'
import { type PathNode, PathTree } from './matching/tree.ts'

/**
 * Which rule takes a request. Hosts choose trees, best first; in a tree whole literal paths are one lookup, and the
 * rest is a walk segment by segment, most specific branch first, that backs out of a branch whose rules do not take
 * the request. The order of the walk is the documented precedence, so the first rule found is the one.
 */
export type Matcher = {
  /** Index of the rule that takes the request; undefined: none does. Allocates nothing; not re-entrant. */
  match(request: MatchRequest): number | undefined
  /** Every rule considered, best first, by the same walk. For people: slow. */
  trace(request: MatchRequest): readonly Considered[]
}

export type { Considered } from './matching/considered.ts'

/** A request as the matcher sees it. An object with these properties may be used again for the next one. */
export type MatchRequest = ConditionRequest & {
  /** Lower case, without port. */
  readonly host: string
  readonly method: string
  /** The folded key of the canonical path (kernel/canonical.ts). */
  readonly key: string
}

export type MatchOptions = { readonly paths: 'sensitive' | 'insensitive' }

/** Builds a matcher at once: a few microseconds a rule. Throws where a rule's path or expression is none. */
export function createMatcher(rules: readonly PlanRule[], options: MatchOptions): Matcher {
  const matcher = new TreeMatcher(options.paths === 'insensitive')
  for (const [index, rule] of rules.entries()) matcher.add(rule, index)
  return matcher
}

/**
 * Builds a matcher in slices: `pause` is called after every rule, and where it returns a promise the building goes
 * on when that is settled. So a process can serve requests while a large plan is prepared.
 */
export async function buildMatcher(
  rules: readonly PlanRule[],
  options: MatchOptions,
  pause: () => Promise<void> | undefined,
): Promise<Matcher> {
  const matcher = new TreeMatcher(options.paths === 'insensitive')
  for (const [index, rule] of rules.entries()) {
    matcher.add(rule, index)
    const pausing = pause()
    if (pausing !== undefined) await pausing
  }
  return matcher
}

class TreeMatcher implements Matcher {
  readonly #fold: boolean
  /** Rules without a host. */
  readonly #anyHost = new PathTree()
  readonly #hosts = new Map<string, PathTree>()
  /** Trees by host name, remembered for the names last seen. */
  readonly #remembered = new Map<string, readonly PathTree[]>()
  readonly #anyHostOnly: readonly PathTree[] = [this.#anyHost]
  /** The rule for what no other takes comes after regular expressions too, so it stands apart. */
  readonly #fallback = new Leaf()
  #explicitOptions = false

  // The request being matched: one at a time, so that nothing is allocated for it.
  #request: MatchRequest = NOTHING
  #question: MethodQuestion = { method: '', follows: undefined, explicit: false }
  readonly #segments = new KeySegments()
  #considered: Considered[] | undefined

  constructor(fold: boolean) {
    this.#fold = fold
  }

  add(rule: PlanRule, index: number): void {
    const ranked = rankMatch(rule.match, this.#fold)
    if ('error' in ranked) throw new Error(`rule "${rule.id}": path "${rule.match.path}" ${ranked.error}`)
    const methods = ranked.methods === undefined ? undefined : new Set(ranked.methods)
    const entry: Entry = { index, rule, ranked, methods, conditions: conditionsOf(rule.match) }
    if (methods?.has('OPTIONS')) this.#explicitOptions = true
    if (rule.origin === 'default') {
      this.#fallback.add(entry)
      return
    }
    const tree = this.#treeFor(ranked.host)
    tree.leafFor(ranked.path, this.#fold).add(entry)
    this.#segments.reach(tree.depth)
  }

  match(request: MatchRequest): number | undefined {
    this.#request = request
    this.#segments.clear()
    const { method } = request
    let found = -1
    if (method === 'OPTIONS') found = this.#matchOptions(request)
    else found = this.#search(method === 'HEAD' ? HEAD : this.#plain(method))
    this.#request = NOTHING
    return found < 0 ? undefined : found
  }

  trace(request: MatchRequest): readonly Considered[] {
    const considered: Considered[] = []
    this.#request = request
    this.#segments.clear()
    this.#considered = considered
    try {
      if (request.method === 'OPTIONS') this.#matchOptions(request)
      else this.#search(request.method === 'HEAD' ? HEAD : this.#plain(request.method))
      this.#considerOtherHosts(request.host)
    } finally {
      this.#considered = undefined
      this.#request = NOTHING
    }
    return settle(considered)
  }

  /** A preflight follows the method it asks for; other OPTIONS go to a rule that names OPTIONS, else where GET goes. */
  #matchOptions(request: MatchRequest): number {
    const asked = request.header?.('access-control-request-method')
    if (asked !== undefined && request.header?.('origin') !== undefined) {
      return this.#search(asked === 'HEAD' ? HEAD : this.#plain(asked))
    }
    if (this.#explicitOptions) {
      const found = this.#search(EXPLICIT_OPTIONS)
      if (found >= 0) return found
    }
    return this.#search(GET)
  }

  #plain(method: string): MethodQuestion {
    let question = QUESTIONS.get(method)
    if (question === undefined) question = { method, follows: undefined, explicit: false }
    return question
  }

  #search(question: MethodQuestion): number {
    this.#question = question
    const trees = this.#hosts.size === 0 ? this.#anyHostOnly : this.#treesOf(this.#request.host)
    for (let at = 0; at < trees.length; at++) {
      const tree = trees[at]
      const found = tree === undefined ? -1 : this.#searchTree(tree)
      if (found >= 0) return found
    }
    return this.#take(this.#fallback)
  }

  #searchTree(tree: PathTree): number {
    const { key } = this.#request
    let found = this.#take(tree.literals.get(key))
    if (found >= 0) return found
    const slash = key.length > 1 && key.charCodeAt(key.length - 1) === SLASH
    if (slash) {
      found = this.#take(tree.slashed.get(key))
      if (found >= 0) return found
    } else if (this.#considered !== undefined) this.#lose(tree.literals.get(`${key}/`), 'path', NEEDS_SLASH)
    if (!tree.bare) {
      this.#segments.scan(key, slash)
      found = this.#walk(tree.root, 0)
      if (found >= 0) return found
    }
    return tree.regexes.length === 0 ? -1 : this.#searchRegexes(tree, slash)
  }

  /** The best rule at or below a node, `depth` segments into the path. */
  #walk(node: PathNode, depth: number): number {
    let found = -1
    if (depth < this.#segments.count) {
      found = this.#walkChildren(node, depth)
    } else if (!this.#segments.deeper) {
      if (this.#segments.slash) found = this.#take(node.slashEnd)
      else if (this.#considered !== undefined) this.#lose(node.slashEnd, 'path', NEEDS_SLASH)
      if (found < 0) found = this.#take(node.end)
    }
    return found >= 0 ? found : this.#take(node.rest)
  }

  #walkChildren(node: PathNode, depth: number): number {
    const { key } = this.#request
    const start = this.#segments.start(depth)
    const end = this.#segments.end(depth)
    const literal = node.literals?.find(key, start, end, this.#segments.hash(depth))
    if (literal !== undefined) {
      const found = this.#walk(literal, depth + 1)
      if (found >= 0) return found
    }
    const { partials } = node
    for (let at = 0; at < partials.length; at++) {
      const partial = partials[at]
      if (partial === undefined || !piecesMatch(partial.segment.pieces, key, start, end)) continue
      const found = this.#walk(partial.node, depth + 1)
      if (found >= 0) return found
    }
    return node.param === undefined ? -1 : this.#walk(node.param, depth + 1)
  }

  #searchRegexes(tree: PathTree, slash: boolean): number {
    const { key } = this.#request
    for (const { path, matches, leaf } of tree.regexes) {
      // One trailing slash is ignored here too, unless the expression wants it.
      if (matches(key) || (slash && matches(key.slice(0, -1)))) {
        const found = this.#take(leaf)
        if (found >= 0) return found
      } else if (this.#considered !== undefined) this.#lose(leaf, 'path', `${path.regex} does not match the whole path`)
    }
    return -1
  }

  /** The rule of a leaf that takes the request, or -1; while tracing, all are noted and none taken. */
  #take(leaf: Leaf | undefined): number {
    if (leaf === undefined) return -1
    if (this.#considered === undefined) return leaf.choose(this.#question, this.#request)
    for (const entry of leaf.inOrder(this.#question)) this.#considered.push(judge(entry, this.#question, this.#request))
    return -1
  }

  #lose(leaf: Leaf | undefined, lost: 'host' | 'path', detail: string): void {
    for (const entry of leaf?.entries ?? []) this.#considered?.push({ index: entry.index, lost, detail })
  }

  /** Rules whose path would have matched under a host that is not the request's. */
  #considerOtherHosts(host: string): void {
    const own = this.#considered ?? []
    for (const [pattern, tree] of this.#hosts) {
      if (hostMatches(pattern, host)) continue
      const found: Considered[] = []
      this.#considered = found
      this.#searchTree(tree)
      const pathMatched = found.filter((rule) => rule.lost !== 'path')
      own.push(
        ...pathMatched.map(({ index }): Considered => ({ index, lost: 'host', detail: `needs host ${pattern}` })),
      )
    }
    this.#considered = own
  }

  #treesOf(host: string): readonly PathTree[] {
    const known = this.#remembered.get(host)
    if (known !== undefined) return known
    const trees: PathTree[] = []
    const exact = this.#hosts.get(host)
    if (exact !== undefined) trees.push(exact)
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.#hosts.get(`*${host.slice(dot)}`)
      if (wildcard !== undefined) trees.push(wildcard)
    }
    trees.push(this.#anyHost)
    // Clients choose host names, so what is remembered is bounded.
    if (this.#remembered.size >= 1_000) this.#remembered.clear()
    this.#remembered.set(host, trees)
    return trees
  }

  #treeFor(host: string | undefined): PathTree {
    if (host === undefined) return this.#anyHost
    let tree = this.#hosts.get(host)
    if (tree === undefined) {
      tree = new PathTree()
      this.#hosts.set(host, tree)
      this.#remembered.clear()
    }
    return tree
  }
}

const SLASH = 0x2f
const NEEDS_SLASH = 'needs a trailing slash'
const NOTHING: MatchRequest = { host: '', method: '', key: '/' }

const HEAD: MethodQuestion = { method: 'HEAD', follows: 'GET', explicit: false }
const GET: MethodQuestion = { method: 'GET', follows: undefined, explicit: false }
const EXPLICIT_OPTIONS: MethodQuestion = { method: 'OPTIONS', follows: undefined, explicit: true }
const QUESTIONS: ReadonlyMap<string, MethodQuestion> = new Map(
  ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [method, { method, follows: undefined, explicit: false }]),
)
