import type { Decoded } from '../../../router/config/decode.ts'
import { decodeSpec } from '../../../router/config/decode.ts'
import { formatDiagnostics } from '../../../router/config/format.ts'
import type { Spec } from '../../../router/model/spec.ts'

type Around = { readonly env?: Record<string, string>; readonly functionNames?: readonly string[] }

/** Decodes a text as if it were /srv/banyan.yaml. */
export function decode(text: string, { env = {}, functionNames = ['contact'] }: Around = {}): Decoded {
  return decodeSpec(text, { file: '/srv/banyan.yaml', env, functionNames, cores: 2 })
}

/** Lines of what is wrong, without the file's name and the last line, hints joined by ` | `. */
export function problems(text: string, around: Around = {}): readonly string[] {
  const lines = formatDiagnostics(decode(text, around).diagnostics, { folder: '/srv' })
  const joined = lines
    .replaceAll('\n    hint: ', ' | ')
    .replaceAll('banyan.yaml:', '')
    .replaceAll(/^(\d+:\d+) +/gm, '$1 ')
  return joined.split('\n').slice(0, -1)
}

/** The spec of a text that must be right. */
export function specOf(text: string, around: Around = {}): Spec {
  const { spec, diagnostics } = decode(text, around)
  if (spec === undefined) throw new Error(formatDiagnostics(diagnostics))
  return spec
}

/** A file with two upstreams and these routes: each line of `route` below `- `. */
export function withRoute(...lines: readonly string[]): string {
  return `upstreams:\n  clinic: { url: "http://a" }\n  vets: { url: "http://b" }\nroutes:\n  - ${lines.join('\n    ')}\n`
}
