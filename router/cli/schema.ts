import { jsonSchema } from '../config/schema.ts'
import type { Verb } from './verb.ts'

/** The JSON Schema of banyan.yaml, for editors. */
export const schema: Verb = {
  name: 'schema',
  summary: 'prints the JSON Schema of the configuration, for editors',
  usage: 'schema [--json]',
  example: 'banyan schema > banyan.schema.json',
  help: `  --json  the same: a JSON Schema is JSON

For completion in an editor, begin banyan.yaml with
  # yaml-language-server: $schema=banyan.schema.json`,
  positionals: 0,
  options: { json: { type: 'boolean' } },
  async run(_args, io) {
    io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`)
    return 0
  },
}
