import { moduleFile } from '../../../kernel/modules.ts'
import { findDescription, ownHostsOf, placeOf } from '../../description.ts'
import type { DetectorKind } from '../detector.ts'

/** WSDL 1.1: the description of SOAP services, by which a path of theirs has many operations. */
export const wsdl: DetectorKind = {
  kind: 'wsdl',
  confidence: 'described',
  polls: true,
  applies: ({ discover }) => discover.wsdl !== undefined,
  question: ({ discover, endpoints, ownHosts, tls }) => JSON.stringify([discover.wsdl, endpoints, ownHosts, tls]),
  detect: (context) => {
    const { discover, endpoints } = context.upstream
    const hints = { hosts: ownHostsOf(context.upstream), prefix: endpoints[0]?.path ?? '' }
    return findDescription(context, {
      places: [placeOf(discover.wsdl ?? '')],
      reader: { file: moduleFile(import.meta.url, './worker'), hints },
    })
  },
}
