import { dns } from './dns/index.ts'
import { docker } from './docker/index.ts'
import { functions } from './functions/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import type { SourceKind } from './source.ts'
import { staticSource } from './static/index.ts'

/** The whole list of sources. Add yours here, alphabetically, and nowhere else. */
export const SOURCES: readonly SourceKind[] = [dns, docker, functions, kubernetes, staticSource]
