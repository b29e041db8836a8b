/** Requests made from a route table, with values that a person or a machine would put in: the truth is known. */
export type Generated = { readonly method: string; readonly path: string; readonly operation: string }

/**
 * `table`: a line an operation, `GET /repos/{owner}/{run_id:int}/{kind:a|b}`. Every operation is asked for `each` times;
 * who owns what comes from lists of some size, as in life, names of things are nearly always new.
 */
export function generate(table: string, each: number, random: () => number): readonly Generated[] {
  const lines = table.trim().split('\n')
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const word = (): string =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(ONSETS) + pick(VOWELS)).join('')
  const named = (): string => (random() < 0.3 ? `${word()}-${word()}` : word())
  const people = Array.from({ length: 150 }, named)
  const places = Array.from({ length: 400 }, named)
  const hex = (length: number) => Array.from({ length }, () => pick([...'0123456789abcdef'])).join('')
  const value = (name: string, kind: string | undefined): string => {
    if (kind === 'int') return String(1 + Math.floor(random() * 100_000))
    if (kind !== undefined) return pick(kind.split('|'))
    if (/sha$/.test(name)) return hex(40)
    if (/uuid|sarif_id|budget_id/.test(name)) return [8, 4, 4, 4, 12].map(hex).join('-')
    if (/digest/.test(name)) return `sha256:${hex(64)}`
    if (/^gist_id$|^task_id$/.test(name)) return hex(32)
    if (/^basehead$/.test(name)) return `${named()}...${named()}`
    if (/^ghsa_id$/.test(name)) return `GHSA-${hex(4)}-${hex(3)}7-${hex(3)}2`
    if (/owner|username|org|user|assignee|enterprise$/.test(name)) return pick(people)
    if (/repo|team|environment|branch|package_name/.test(name)) return pick(places)
    return named()
  }
  const requests = lines.flatMap((line) =>
    Array.from({ length: each }, () => {
      const [method = '', template = ''] = line.split(' ')
      const path = template.replace(/\{([^}:]+)(?::([^}]*))?\}/g, (_, name: string, kind?: string) => value(name, kind))
      const operation = `${method} ${template.replace(/\{[^}]*\}/g, '{}')}`
      return { method, path, operation, order: random() }
    }),
  )
  return requests.sort((a, b) => a.order - b.order)
}

const ONSETS = [...'bcdfghjklmnprstvwz', 'br', 'ch', 'dr', 'gr', 'pl', 'sh', 'st', 'tr']
const VOWELS = [...'aeiou', 'ai', 'ea', 'ou', 'an', 'er', 'in', 'on']
