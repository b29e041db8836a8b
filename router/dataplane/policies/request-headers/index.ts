import { changesWords, changing, type FieldChanges } from '../field-edits.ts'
import type { Policy } from '../policy.ts'

/** Changes the fields that go upstream. */
export const requestHeaders: Policy<FieldChanges> = {
  kind: 'requestHeaders',
  phase: 'forward',
  words: changesWords,
  create: (changes) => ({ requestFields: changing(changes) }),
}
