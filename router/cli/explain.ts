import { type Explanation, formatExplanation } from '../compile/explain.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE } from './client.ts'
import { UsageError, type Verb } from './verb.ts'

/** Which route, which rule, what it beat, which upstream and why: the data plane's own match, narrated. */
export const explain: Verb = {
  name: 'explain',
  summary: 'says which upstream a request goes to, which rule decides, and what it beat',
  usage: "explain METHOD URL [-H 'name: value']… [--json]",
  example: 'banyan explain GET /owners/new',
  help: `  -H 'name: value'   a request header, as often as needed\n${ADMIN_USAGE}`,
  positionals: 2,
  options: { ...ADMIN_OPTIONS, header: { type: 'string', short: 'H', multiple: true } },
  run(args, io) {
    const [method, url, ...rest] = args.positionals
    if (method === undefined || url === undefined || rest.length > 0)
      throw new UsageError('explain takes METHOD and URL')
    const given = Array.isArray(args.values.header) ? args.values.header : []
    const headers = given.map((line) => splitHeader(String(line)))
    return ask(args, io, async (client) => {
      const explanation = await client.post<Explanation>('/api/explain', { method: method.toUpperCase(), url, headers })
      return { data: explanation, text: formatExplanation(explanation) }
    })
  },
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon <= 0) throw new UsageError(`-H "${line}" is not 'name: value'`)
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}
