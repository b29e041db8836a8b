import { har } from './har/index.ts'
import { log } from './log/index.ts'
import type { RecordingKind } from './recording.ts'

/** The whole list of recordings. Add yours here; the first that recognises a file reads it. */
export const RECORDINGS: readonly RecordingKind[] = [har, log]
