import { DETECTOR_SCHEMAS } from '../discovery/detectors/schemas.ts'
import type { DiscoverSpec } from '../model/spec.ts'
import { absoluteReference } from './paths.ts'
import { map, oneOf } from './values.ts'

/** `discover` of an upstream: a key for every detector that is asked for, and one for what passes through. */
export const discoverSchema = map({
  ...Object.fromEntries(DETECTOR_SCHEMAS.map(({ kind, schema }) => [kind, schema])),
  traffic: oneOf(['on', 'off'])
    .optional()
    .describe('Whether to learn operations from what passes through, which asks the upstream for random paths')
    .meta({ default: 'on' }),
})

type Written = Readonly<Record<string, string | boolean | undefined>>

/** What was written, in one form for every detector; `file` is the configuration, which files are relative to. */
export function toDiscover(file: string, written: Written = {}): DiscoverSpec {
  const asked = DETECTOR_SCHEMAS.map(({ kind }): [string, string | undefined] => {
    const value = written[kind]
    if (typeof value === 'boolean') return [kind, value ? 'on' : 'off']
    return [kind, value === undefined ? undefined : (absoluteReference(file, value) ?? value)]
  })
  // On by itself: written out it is no detector that is asked for, beside which labels would say nothing.
  return { ...Object.fromEntries(asked), ...(written.traffic === 'off' && { traffic: 'off' }) }
}
