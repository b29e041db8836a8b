import type { z } from 'zod'
import { dnsSchema } from './dns/schema.ts'
import { dockerSchema } from './docker/schema.ts'
import { kubernetesSchema } from './kubernetes/schema.ts'

/**
 * What a source may be asked for in the YAML. Schemas stand beside their sources but belong to `config`, which alone
 * loads them.
 */
export type SourceSchema = {
  /** The source's kind: its key in an upstream and at the top of the file. */
  readonly kind: string
  /** Value of the key in an upstream, which stands there instead of `url`; makes plain JSON. Absent: no such key. */
  readonly upstream?: z.ZodType
  /** Value of the key at the top of the file; makes plain JSON. Absent: no such key. */
  readonly top?: z.ZodType
  /** Whether these options at the top find upstreams that the file does not name; absent: they never do. */
  discovers?(options: unknown): boolean
  /** Names by which an upstream found in this way may know itself; absent: none are known beforehand. */
  ownHosts?(options: unknown): readonly string[]
}

/** The whole list, one for each of `SOURCES` that has keys in the YAML. Add yours here, alphabetically. */
export const SOURCE_SCHEMAS: readonly SourceSchema[] = [dnsSchema, dockerSchema, kubernetesSchema]
