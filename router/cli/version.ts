import { packageVersion } from '../kernel/version.ts'
import type { Verb } from './verb.ts'

/** Which version of the router and of the runtime this is. */
export const version: Verb = {
  name: 'version',
  summary: 'says which version this is',
  usage: 'version [--json]',
  example: 'banyan version',
  help: '  --json  { "version": "0.1.0", "node": "24.21.0" }',
  positionals: 0,
  options: { json: { type: 'boolean' } },
  async run(args, io) {
    const found = { version: packageVersion(), node: process.versions.node }
    io.out(args.values.json === true ? `${JSON.stringify(found)}\n` : `banyan ${found.version} (node ${found.node})\n`)
    return 0
  },
}
