import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { VERBS } from '../../../router/cli/verbs.ts'
import { authority } from '../../certificates.ts'

it('says how an application is looked at whose certificate nobody knows, and writes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-init-'))
  const { cert, key } = await (await authority()).issue({ ip: ['127.0.0.1'] })
  const server = createServer({ cert, key }, (_, res) => res.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let err = ''
  const io = { out: () => {}, err: (text: string) => (err += text), terminal: false, env: {}, cwd: folder }
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await runCommand(['init', '--legacy', url], VERBS, io)).toBe(1)
  expect(err).toMatch(/certificate.*; nothing was written\. Ask again with NODE_EXTRA_CA_CERTS=FILE/)
  expect(readdirSync(folder)).toEqual([])
  server.close()
  rmSync(folder, { recursive: true })
})
