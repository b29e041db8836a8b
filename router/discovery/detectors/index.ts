import { declared } from './declared/index.ts'
import type { DetectorKind } from './detector.ts'
import { grpc } from './grpc/index.ts'
import { mappings } from './mappings/index.ts'
import { openapi } from './openapi/index.ts'
import { wsdl } from './wsdl/index.ts'

/**
 * The whole list of detectors. Add yours here, alphabetically; where `discover` asks for it, its schema in schemas.ts
 * too, and nowhere else.
 */
export const DETECTORS: readonly DetectorKind[] = [declared, grpc, mappings, openapi, wsdl]
