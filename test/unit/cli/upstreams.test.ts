import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { VERBS } from '../../../router/cli/verbs.ts'

const away = { what: 'list services', outcome: '10.0.0.1:6443 cannot be asked', at: 0 }
const trouble = { state: 'failed', at: null, next_at: null, attempts: [away] }
const advice = ['see that the API server can be reached']

function upstream(name: string, sighting: object, more: object = {}) {
  return {
    ...{ name, tier: 'service', source: 'kubernetes', found: null, endpoints: [], health: [], failure: null },
    ...{ refused: null, revision: null, operations: 0, detection: [], sighting, advice, ...more },
  }
}

async function shown(answer: object): Promise<string> {
  let out = ''
  const server = createServer((_, res) => {
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const env = { BANYAN_ADMIN: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const io = { out: (text: string) => (out += text), err: () => {}, terminal: false, env, cwd: '/' }
  await runCommand(['upstreams'], VERBS, io)
  server.close()
  return out
}

it('tells the trouble of a source once, and beside an upstream only what is its own', async () => {
  const own = { what: 'Service clinic/vets', outcome: '2 endpoints', at: 0 }
  const out = await shown({
    upstreams: [
      upstream('owners', trouble),
      upstream('vets', { ...trouble, attempts: [own, away] }),
      ...Array.from({ length: 10 }, (_, index) => upstream(`visits-${index}`, trouble)),
    ],
    sources: [{ source: 'kubernetes', sighting: trouble }],
  })
  const [, rest] = out.split('where they were looked for\n')
  expect(rest?.trimEnd().split('\n')).toEqual([
    '  kubernetes: failed, never confirmed',
    '      list services: 10.0.0.1:6443 cannot be asked',
    '  vets, kubernetes: failed, never confirmed',
    '      Service clinic/vets: 2 endpoints',
    '',
    'what to do',
    `  owners, vets, ${Array.from({ length: 8 }, (_, index) => `visits-${index}`).join(', ')} and 2 more: ${advice[0]}`,
  ])
})
