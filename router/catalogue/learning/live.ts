import type { ObservedOperation, Seen } from '../../model/catalogue.ts'
import type { UnclaimedCount } from '../../model/link.ts'
import { createFolder, type Folder, shapeOfPath } from '../folding/fold.ts'
import { countedPath, operationMethod, weighStatus } from './evidence.ts'
import { allowedMethods } from './learn.ts'
import { isEvidenceBeside, type RandomAnswer } from './random-answer.ts'

/**
 * Learns operations from what passes through. Answers wait until it is known how the upstream answers a random path in
 * the same folder: what looks like that is no evidence.
 */
export type LiveLearner = {
  /** Adds what data-plane processes counted; `at` is wall time in ms. */
  take(counts: readonly UnclaimedCount[], at: number): void
  /** Requests that the own rule of an operation took, which was learned before. */
  counted(upstream: string, operation: string, count: number, at: number): void
  /** Folders (with a path in each) about whose random answers something waits. */
  questions(): readonly Question[]
  /** How the upstream answers random paths there. */
  answer(question: Question, answer: RandomAnswer): void
  /** The upstream cannot be asked now: what waits for that is given up, so that it takes no room from others. */
  giveUp(question: Question): void
  /** Operations by upstream, as they are known now; those of before the start included. */
  settle(): ReadonlyMap<string, readonly ObservedOperation[]>
}

/** `folder` is the shape of the path without its last segment, `path` one of such paths. */
export type Question = { readonly upstream: string; readonly folder: string; readonly path: string }

const MOST_WAITING = 2_000
const MOST_FOLDERS = 500
/** Folders side by side that all refuse random paths, before another beside them is believed to. */
const ENOUGH_ALIKE = 5

type Waiting = { readonly question: Question; readonly count: UnclaimedCount; readonly at: number }

/** `remembered` is what was learned before, by upstream. */
export function createLiveLearner(remembered: ReadonlyMap<string, readonly ObservedOperation[]>): LiveLearner {
  const folders = new Map<string, Folder>()
  const answers = new Map<string, RandomAnswer>()
  const refusing = new Map<string, number>()
  /** Upstreams that have refused something that nobody implements. */
  const honest = new Set<string>()
  const learned = new Map<string, ReadonlySet<string>>()
  let waiting: Waiting[] = []
  for (const [upstream, operations] of remembered) {
    learned.set(upstream, new Set(operations.map(({ method, template }) => `${method} ${template}`)))
    for (const { method, template, seen } of operations) {
      if (seen !== undefined) folderOf(upstream).add(method, template, seen)
    }
  }

  function folderOf(upstream: string): Folder {
    const known = folders.get(upstream) ?? createFolder()
    folders.set(upstream, known)
    return known
  }

  function answerTo(question: Question): RandomAnswer | undefined {
    const known = answers.get(keyOf(question))
    const beside = refusing.get(besideOf(question)) ?? 0
    return known ?? (beside >= ENOUGH_ALIKE ? { kind: 'refuses' } : undefined)
  }

  /** Undefined: its folder has not been asked about. */
  function judge({ question, count: { method, path, status, length, location, allow, count }, at }: Waiting): boolean {
    const operation = operationMethod(method)
    const random = answerTo(question)
    if (operation === undefined || random === undefined) return operation === undefined
    const { upstream } = question
    const seen: Seen = { count, first: at, last: at, statuses: { [status]: count } }
    const answered = { method, path, status, length, location }
    if (isEvidenceBeside(answered, random, honest.has(upstream))) folderOf(upstream).add(operation, path, seen)
    else if (status === 405 && random.kind === 'refuses') {
      for (const other of allowedMethods(allow?.split(','))) {
        folderOf(upstream).add(other, path, { ...seen, count: 0, statuses: {} })
      }
    }
    return true
  }

  return {
    take(counts, at) {
      for (const count of counts) {
        const path = countedPath(count.path)
        if (path === undefined || count.upstream === '') continue
        if (count.status === 404 || count.status === 410) honest.add(count.upstream)
        if (weighStatus(count.status) === 'nothing') continue
        const folder = shapeOfPath(path).replace(/\/[^/]*$/, '')
        const one = { question: { upstream: count.upstream, folder, path }, count: { ...count, path }, at }
        if (!judge(one) && waiting.length < MOST_WAITING) waiting.push(one)
      }
    },
    counted(upstream, operation, count, at) {
      const [method = '', path = ''] = operation.split(' ')
      if (!learned.get(upstream)?.has(operation)) return
      folderOf(upstream).add(method, path, { count, first: at, last: at, statuses: {} })
    },
    questions() {
      const asked = new Map(waiting.map(({ question }) => [keyOf(question), question]))
      return answers.size >= MOST_FOLDERS ? [] : [...asked.values()]
    },
    answer(question, answer) {
      answers.set(keyOf(question), answer)
      const beside = besideOf(question)
      if (answer.kind === 'refuses') refusing.set(beside, (refusing.get(beside) ?? 0) + 1)
      else refusing.set(beside, Number.NEGATIVE_INFINITY)
      waiting = waiting.filter((one) => !judge(one))
    },
    giveUp(question) {
      waiting = waiting.filter((one) => keyOf(one.question) !== keyOf(question))
    },
    settle() {
      const known = [...folders].map(([upstream, folder]): [string, readonly ObservedOperation[]] => {
        folder.settle()
        // What an Allow field named was not asked for, and is certain.
        const operations = folder.operations(0).filter(({ count, statuses }) => isKnown(count, statuses))
        learned.set(upstream, new Set(operations.map(({ method, template }) => `${method} ${template}`)))
        return [upstream, operations.map(({ method, template, ...seen }) => ({ method, template, seen }))]
      })
      return new Map(known)
    },
  }
}

const LEAST = 3

function isKnown(count: number, statuses: Seen['statuses']): boolean {
  return count >= LEAST || Object.keys(statuses).length === 0
}

function keyOf({ upstream, folder }: Question): string {
  return `${upstream} ${folder}`
}

function besideOf({ upstream, folder }: Question): string {
  return `${upstream} ${folder.replace(/\/[^/]*$/, '')}`
}
