import { childrenOf, type Node } from './node.ts'

/**
 * Which of the literals below a node are values: those that lead to what nearly all of their siblings lead to, and
 * those that come and go while others stay. Names are few, are asked for again and again, and each leads elsewhere.
 */
export function valuesAmong(node: Node): readonly string[] {
  const children = [...node.literals].map(([text, child]) => ({ text, child, below: namesBelow(child) }))
  if (children.length === 0) return []
  const deep = deepValues(node, children)
  const values = new Set(deep)
  return [...deep, ...flatValues(node, children, values)]
}

/** Siblings that make it likely that they are values: a number, and the least part of all there are. */
const ALIKE = { least: 8, part: 0.8 } as const
const IDENTICAL = { least: 5, part: 0.6 } as const
const FLEETING = { least: 12, requests: 40, once: 0.3 } as const
const MIXED = 4

type Child = { readonly text: string; readonly child: Node; readonly below: Below }

/** Requests by name, one entry each for the first, the second and all later segments below a node. */
type Below = readonly [ReadonlyMap<string, number>, ReadonlyMap<string, number>, ReadonlyMap<string, number>]

const DEPTHS = [0, 1, 2] as const

/** Those with sub-paths, which their siblings have too: `/repos/{owner}`, whose owners all have repositories with issues. */
function deepValues(node: Node, children: readonly Child[]): readonly string[] {
  const parents = children.filter(({ below }) => below.some((names) => names.size > 0))
  const known = node.words && node.value !== undefined ? namesBelow(node.value) : undefined
  const holders = DEPTHS.map((depth) => countHolders(parents, depth))
  const alike = parents.filter(({ below }) =>
    DEPTHS.some((depth) => isAlike(below[depth], holders[depth] ?? new Map(), known?.[depth])),
  )
  if (known === undefined && (alike.length < ALIKE.least || alike.length < parents.length * ALIKE.part)) {
    return identicalValues(children)
  }
  return alike.map(({ text }) => text)
}

/** How many of the siblings lead to each name. */
function countHolders(parents: readonly Child[], depth: 0 | 1 | 2): ReadonlyMap<string, number> {
  const holders = new Map<string, number>()
  for (const { below } of parents) {
    for (const name of below[depth].keys()) holders.set(name, (holders.get(name) ?? 0) + 1)
  }
  return holders
}

function isAlike(
  names: ReadonlyMap<string, number>,
  holders: ReadonlyMap<string, number>,
  known: ReadonlyMap<string, number> | undefined,
): boolean {
  let telling = 0
  let common = 0
  for (const [name, count] of names) {
    const others = known?.has(name) ? 3 : (holders.get(name) ?? 0)
    // What nobody else leads to says something only where it comes again: once, it may be a value itself.
    if (others >= 2 || count >= 3) telling++
    if (others >= 3) common++
  }
  return common > 0 && common >= telling * 0.75
}

/**
 * A few are enough where they answer nothing themselves and lead to exactly the same values: `/packages/{npm, docker …}`.
 * What answers itself is a list of things, and applications have many of those that look alike.
 */
function identicalValues(children: readonly Child[]): readonly string[] {
  const groups = Map.groupBy(children, shapeOf)
  for (const [shape, group] of groups) {
    const enough = group.length >= IDENTICAL.least && group.length >= children.length * IDENTICAL.part
    if (shape !== '' && enough) return group.map(({ text }) => text)
  }
  return []
}

/** Empty: it says too little. */
function shapeOf({ child, below: [first, second, later] }: Child): string {
  if (child.seen.size > 0) return ''
  const names = [...new Set([...second.keys(), ...later.keys()])].sort()
  if (names.length > 0) return names.length > 1 ? names.join('/') : ''
  return first.size === 0 && child.value !== undefined ? `{} ${[...child.value.seen.keys()].sort().join('/')}` : ''
}

/** Those that nothing but values follows: `/labels/{name}`. */
function flatValues(node: Node, children: readonly Child[], deep: ReadonlySet<string>): readonly string[] {
  const isFlat = ({ below }: Child) => below.every((names) => [...names.values()].every((count) => count < 3))
  const flat = children.filter((child) => !deep.has(child.text) && isFlat(child))
  const rare = rareAmong(flat, node)
  const values = [...children.filter(({ text }) => deep.has(text)).map(({ child }) => child)]
  if (node.words && node.value !== undefined) values.push(node.value)
  const known = rare.filter(({ child }) => values.length > 0 && answersAs(child, values, 1))
  const others = rare.filter((child) => !known.includes(child))
  const requests = others.reduce((sum, { child }) => sum + child.count, 0)
  const once = others.filter(({ child }) => child.count === 1).length
  const fleeting = others.length >= FLEETING.least && requests >= FLEETING.requests && once >= requests * FLEETING.once
  const likely = fleeting ? others : others.filter(({ child }) => !child.word)
  const nodes = others.map(({ child }) => child)
  const fresh = likely.length < MIXED ? [] : likely.filter(({ child }) => answersAs(child, nodes, 3))
  return [...known, ...fresh].map(({ text }) => text)
}

/** Without those that are asked for more often than values are: `/secrets/public-key` among names of secrets. */
function rareAmong(children: readonly Child[], { words, value, values }: Node): readonly Child[] {
  const counts = children.map(({ child }) => child.count).sort((a, b) => a - b)
  const usual = words && value !== undefined ? value.count / values : (counts[counts.length >> 1] ?? 0)
  return children.filter(({ child }) => child.count <= Math.max(3, usual * 4))
}

/** Whether at least so many answer by each method that it answers by, itself and below: `POST /members/add` is no name. */
function answersAs(child: Node, others: readonly Node[], least: number): boolean {
  const isAnswered = (method: string, of: (node: Node) => ReadonlySet<string>) =>
    others.filter((other) => of(other).has(method)).length >= least
  return [methodsOf, methodsBelow].every((of) => [...of(child)].every((method) => isAnswered(method, of)))
}

function methodsOf({ seen }: Node): ReadonlySet<string> {
  return new Set(seen.keys())
}

function methodsBelow(node: Node): ReadonlySet<string> {
  return new Set(childrenOf(node).flatMap(({ seen }) => [...seen.keys()]))
}

function namesBelow(node: Node): Below {
  const below = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()] as const
  collect(node, 0, below)
  return below
}

function collect(node: Node, depth: 0 | 1 | 2, into: readonly [Names, Names, Names]): void {
  for (const [text, { word, count }] of node.literals) {
    if (word) into[depth].set(text, (into[depth].get(text) ?? 0) + count)
  }
  const next = depth === 0 ? 1 : 2
  for (const child of childrenOf(node)) collect(child, next, into)
}

type Names = Map<string, number>
