import { encodeFrame } from '../kernel/frames.ts'
import { stableHash } from '../kernel/hash.ts'
import type { ToDataplane } from '../model/link.ts'
import type { Live, Plan, Published } from '../model/plan.ts'

/** One revision, ready to be sent. A plan is encoded once, however many revisions and processes it serves. */
export type Edition = {
  readonly published: Published
  readonly planHash: string
  /** Hash of everything but the revision: equal content is the same edition. */
  readonly contentHash: string
  /** The frames for a process that was last sent the plan with this hash. */
  frames(knownPlanHash: string): readonly Buffer[]
  /** Encoded when first needed, and shared by all editions of one plan. */
  readonly rules: { frames: readonly Buffer[] | undefined }
}

/** The next edition of `plan` and `live`; `before` lends its plan's frames where the plan is the same. */
export function createEdition(revision: number, plan: Plan, live: Live, before: Edition | undefined): Edition {
  const planHash = before?.published.plan === plan ? before.planHash : stableHash(plan)
  const hash = stableHash({ plan, weights: live.weights })
  return number({ revision, hash, plan, live }, planHash, before)
}

/** The same content under another revision. */
export function renumber(edition: Edition, revision: number): Edition {
  return number({ ...edition.published, revision }, edition.planHash, edition)
}

function number(published: Published, planHash: string, before: Edition | undefined): Edition {
  const { plan, live, revision, hash } = published
  const message = { kind: 'publish', revision, hash, planHash, live } as const
  const rules = before?.planHash === planHash ? before.rules : { frames: undefined }
  let short: readonly Buffer[] | undefined
  let long: readonly Buffer[] | undefined
  return {
    rules,
    published,
    planHash,
    contentHash: stableHash({ planHash, live }),
    frames(knownPlanHash) {
      if (knownPlanHash === planHash) {
        short ??= [encode(message)]
        return short
      }
      rules.frames ??= encodeRules(plan, planHash)
      long ??= [...rules.frames, encode({ ...message, plan: { ...plan, rules: [] } })]
      return long
    },
  }
}

/** In pieces of which none takes a process long to parse. */
function encodeRules({ rules }: Plan, planHash: string): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < rules.length; at += RULES_A_FRAME) {
    frames.push(encode({ kind: 'rules', planHash, first: at === 0, rules: rules.slice(at, at + RULES_A_FRAME) }))
  }
  return frames
}

const RULES_A_FRAME = 32

function encode(message: ToDataplane): Buffer {
  return encodeFrame(message)
}
