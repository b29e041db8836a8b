import { seeded } from '../../random.ts'
import { type Lane, type Outcome, send, sendAnyhow } from './lane.ts'
import { type Case, generate } from './mutations.ts'

/** What came of a number of generated cases. */
export type Figures = {
  cases: number
  /** Requests that had to be delivered, and those that were. */
  wanted: number
  delivered: number
  /** Cases that end with a refusal, or lack their end. */
  refused: number
  incomplete: number
  readonly unsafe: string[]
  readonly problems: string[]
}

/** Sends `count` generated cases through these lanes, each lane one at a time. The same seed gives the same cases. */
export async function run(lanes: readonly Lane[], count: number, seed: number): Promise<Figures> {
  const figures: Figures = { cases: 0, wanted: 0, delivered: 0, refused: 0, incomplete: 0, unsafe: [], problems: [] }
  const random = seeded(seed)
  const drive = async (lane: Lane): Promise<void> => {
    while (figures.cases < count) {
      const number = figures.cases++
      const one = generate(random)
      add(figures, one, await send(lane, one), `case ${number} (seed ${seed}, ${one.name})`)
    }
  }
  await Promise.all(lanes.map(drive))
  return figures
}

/**
 * The same through a proxy of which nothing is expected but that what it lets through is safe: how many messages were
 * not, by fault.
 */
export async function runOther(
  lanes: readonly Lane[],
  count: number,
  seed: number,
): Promise<{ readonly cases: number; readonly faults: Readonly<Record<string, number>> }> {
  const random = seeded(seed)
  const faults: Record<string, number> = {}
  let cases = 0
  const drive = async (lane: Lane): Promise<void> => {
    while (cases < count) {
      cases++
      for (const fault of await sendAnyhow(lane, generate(random))) faults[fault] = (faults[fault] ?? 0) + 1
    }
  }
  await Promise.all(lanes.map(drive))
  return { cases, faults }
}

function add(figures: Figures, { text }: Case, outcome: Outcome, title: string): void {
  const { requests, end, why } = outcome.expected
  figures.wanted += requests.filter((request) => request !== 'here').length
  figures.delivered += outcome.delivered
  if (end === 'refused') figures.refused++
  if (end === 'incomplete') figures.incomplete++
  const sent = `${title} sent ${JSON.stringify(text.slice(0, 1500))}; expected ${end}: ${why}`
  figures.unsafe.push(...outcome.unsafe.map((fault) => `${fault}\n  ${sent}`))
  figures.problems.push(...outcome.problems.map((problem) => `${problem}\n  ${sent}`))
}
