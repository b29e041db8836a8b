import { DETECTOR_SCHEMAS } from '../discovery/detectors/schemas.ts'
import type { DiscoverSpec } from '../model/spec.ts'
import { absoluteReference } from './paths.ts'
import { map } from './values.ts'

/** `discover` of an upstream: a key for every detector that is asked for. */
export const discoverSchema = map(Object.fromEntries(DETECTOR_SCHEMAS.map(({ kind, schema }) => [kind, schema])))

type Written = Readonly<Record<string, string | boolean | undefined>>

/** What was written, in one form for every detector; `file` is the configuration, which files are relative to. */
export function toDiscover(file: string, written: Written = {}): DiscoverSpec {
  return Object.fromEntries(
    DETECTOR_SCHEMAS.map(({ kind }) => {
      const value = written[kind]
      if (typeof value === 'boolean') return [kind, value ? 'on' : 'off']
      return [kind, value === undefined ? undefined : (absoluteReference(file, value) ?? value)]
    }),
  )
}
