import { Refused, textKind } from '../../../config/values.ts'
import type { DetectorSchema } from '../schemas.ts'

/** `discover.wsdl`. */
export const wsdlSchema: DetectorSchema = {
  kind: 'wsdl',
  schema: textKind('a path such as /services/vets?wsdl, an http: or https: URL, or file:PATH', (text) => {
    if (/^\/\S*$/.test(text) || /^file:./.test(text)) return text
    const url = /^https?:\/\/\S+$/i.test(text) ? URL.parse(text) : null
    if (url === null) throw new Refused()
    // It is shown where anybody may read it, and no credentials are sent.
    if (url.username !== '' || url.password !== '') {
      throw new Refused({ detail: 'no user or password belongs here' })
    }
    return text
  })
    .optional()
    .describe('Where the WSDL of its SOAP service is: /path?wsdl on the upstream, a URL or file:PATH')
    .meta({ examples: ['/services/vets?wsdl', 'file:./vets.wsdl'] }),
}
