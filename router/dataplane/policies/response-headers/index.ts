import { changesWords, changing, type FieldChanges } from '../field-edits.ts'
import type { Policy } from '../policy.ts'

/** Changes the fields of answers. */
export const responseHeaders: Policy<FieldChanges> = {
  kind: 'responseHeaders',
  phase: 'relay',
  words: changesWords,
  create: (changes) => ({ responseFields: changing(changes) }),
}
