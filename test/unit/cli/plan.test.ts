import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { VERBS } from '../../../router/cli/verbs.ts'

let folder: string
let server: Server
let answer: unknown
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-plan-'))
  writeFileSync(join(folder, 'banyan.yaml'), 'upstreams: { a: { url: "http://a" } }\n')
  server = createServer((_, response) => response.end(JSON.stringify(answer)))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function plan(): Promise<string> {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  let said = ''
  const out = (text: string) => {
    said += text
  }
  const io = { out, err: out, terminal: false, env: { BANYAN_ADMIN: `http://127.0.0.1:${port}` }, cwd: folder }
  expect(await runCommand(['plan'], VERBS, io)).toBe(0)
  return said
}

const CHANGE = { change: 'added', subject: 'upstream', name: 'a', detail: 'service' }

describe('banyan plan', () => {
  it('compares with the running plan of the same file and says no more', async () => {
    answer = {
      diagnostics: [],
      running: { revision: 3, hash: 'ab12cd34', file: join(folder, 'banyan.yaml') },
      changes: [],
    }
    expect(await plan()).toBe('no changes against plan revision 3 (ab12cd)\n')
  })

  it.each([
    { changes: [], says: 'no changes against' },
    { changes: [CHANGE], says: '1 changes against' },
  ])('names the file of a router that runs another: $says', async ({ changes, says }) => {
    answer = { diagnostics: [], running: { revision: 3, hash: 'ab12cd34', file: '/elsewhere/banyan.yaml' }, changes }
    expect(await plan()).toContain(`${says} plan revision 3 (ab12cd) of the router that runs /elsewhere/banyan.yaml\n`)
  })

  it('has nothing to compare with before the first plan', async () => {
    answer = { diagnostics: [], changes: [] }
    expect(await plan()).toBe('no changes against nothing yet\n')
  })
})
