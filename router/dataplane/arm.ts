import type { Weight } from '../model/plan.ts'
import { FIELD } from './http1/field-kind.ts'
import { allValues, firstValue } from './http1/fields.ts'
import type { RequestHead } from './http1/request-head.ts'
import { fractionOf, type Key, type KeyCookies } from './key-cookie.ts'
import { type Arm, CANDIDATE, INCUMBENT } from './snapshot.ts'

/** Which side of a shift takes a request, and what that means for its answer. */
export type Choice = {
  readonly arm: Arm
  /** Whether another client might get the other side's answer: no shared cache may keep this one. */
  readonly varies: boolean
  /** The key to give to the client with the answer. */
  readonly minted: Key | undefined
}

/**
 * Chooses the arm. `u = hash(salt, key) / 2^64` of the key in our own cookie, and the candidate takes what lies below
 * the weight: the same answer in every process, and raising the weight moves nobody back. A client without a key is
 * drawn by the one it is about to receive. `mayOverride`: the peer may choose with `x-banyan-arm`.
 */
export function chooseArm(
  head: RequestHead,
  weight: Weight | undefined,
  mayOverride: () => boolean,
  keys: KeyCookies,
): Choice {
  if (head.has(FIELD.banyanArm)) {
    const asked = firstValue(head, FIELD.banyanArm)
    if ((asked === 'candidate' || asked === 'incumbent') && mayOverride()) {
      return asked === 'candidate' ? CHOSEN_CANDIDATE : CHOSEN_INCUMBENT
    }
  }
  if (weight === undefined || !weight.active) return SETTLED
  const known = head.has(FIELD.cookie) ? keyOf(head, keys) : undefined
  const key = known ?? keys.mint()
  const arm = fractionOf(key, weight.salt) < weight.weight ? CANDIDATE : INCUMBENT
  if (known !== undefined) return arm === CANDIDATE ? CHOSEN_CANDIDATE : CHOSEN_INCUMBENT
  return { arm, varies: true, minted: key }
}

const CHOSEN_CANDIDATE: Choice = { arm: CANDIDATE, varies: true, minted: undefined }
const CHOSEN_INCUMBENT: Choice = { arm: INCUMBENT, varies: true, minted: undefined }
/** No shift is in progress: the incumbent, as if there were none. */
export const SETTLED: Choice = { arm: INCUMBENT, varies: false, minted: undefined }

function keyOf(head: RequestHead, keys: KeyCookies): Key | undefined {
  for (const value of allValues(head, FIELD.cookie)) {
    const key = keys.find(value)
    if (key !== undefined) return key
  }
  return undefined
}
