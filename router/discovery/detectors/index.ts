import { declared } from './declared/index.ts'
import type { DetectorKind } from './detector.ts'
import { mappings } from './mappings/index.ts'
import { openapi } from './openapi/index.ts'

/** The whole list of detectors. Add yours here, alphabetically, and nowhere else. */
export const DETECTORS: readonly DetectorKind[] = [declared, mappings, openapi]
