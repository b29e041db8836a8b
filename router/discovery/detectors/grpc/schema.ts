import { flag } from '../../../config/values.ts'
import type { DetectorSchema } from '../schemas.ts'

/** `discover.grpc`. */
export const grpcSchema: DetectorSchema = {
  kind: 'grpc',
  schema: flag.optional().describe('Whether to ask its gRPC server reflection for services and methods'),
}
