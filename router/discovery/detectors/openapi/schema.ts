import { Refused, textKind } from '../../../config/values.ts'
import type { DetectorSchema } from '../schemas.ts'

const EXPECTED = 'auto, off, a path such as /openapi.json, an http: or https: URL, or file:PATH'

/** `discover.openapi`. */
export const openapiSchema: DetectorSchema = {
  kind: 'openapi',
  schema: textKind(EXPECTED, (text) => {
    if (text === 'auto' || text === 'off' || /^\/\S*$/.test(text) || /^file:./.test(text)) return text
    const url = /^https?:\/\/\S+$/i.test(text) ? URL.parse(text) : null
    if (url === null) throw new Refused()
    // It is shown where anybody may read it, and no credentials are sent.
    if (url.username !== '' || url.password !== '') {
      throw new Refused({ detail: 'no user or password belongs here' })
    }
    return text
  })
    .optional()
    .describe(
      'Where its OpenAPI description is: auto (the usual places), off, /path on the upstream, a URL or file:PATH',
    )
    .meta({ default: 'off', examples: ['auto', '/openapi.json', 'file:./vets.openapi.yaml'] }),
}
