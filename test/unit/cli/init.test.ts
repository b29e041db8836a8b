import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { VERBS } from '../../../router/cli/verbs.ts'
import { loadSpec } from '../../../router/config/load.ts'
import { authority } from '../../certificates.ts'

let folder: string
let server: Server
let ca: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-init-'))
  const issuer = await authority()
  ca = issuer.cert
  const { cert, key } = await issuer.issue({ ip: ['127.0.0.1'] })
  server = createServer({ cert, key }, ({ url }, res) => res.writeHead(url === '/' ? 200 : 404).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function init(...words: readonly string[]) {
  let err = ''
  const io = { out: () => {}, err: (text: string) => (err += text), terminal: false, env: {}, cwd: folder }
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { code: await runCommand(['init', '--legacy', url, ...words], VERBS, io), err }
}

describe('banyan init of an application whose certificate nobody knows', () => {
  it('says how it is looked at, and writes nothing', async () => {
    const { code, err } = await init()
    expect(code).toBe(1)
    expect(err).toMatch(/certificate.*; nothing was written\. Name its authority, .* with --ca FILE/)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    { file: 'banyan.yaml', names: 'file:tls/ca.pem' },
    { file: 'conf/banyan.yaml', names: 'file:/' },
  ])('looks at it with the authority that is given, and names that in $file', async ({ file, names }) => {
    mkdirSync(join(folder, 'tls'))
    mkdirSync(join(folder, 'conf'))
    writeFileSync(join(folder, 'tls/ca.pem'), ca)
    expect(await init('--ca', 'tls/ca.pem', '-c', file)).toEqual({ code: 0, err: '' })
    const path = join(folder, file)
    expect(readFileSync(path, 'utf8')).toContain(`    tls: { ca: "${names}`)
    const { spec, diagnostics } = await loadSpec(path, { env: {}, cores: 1 })
    expect(diagnostics).toEqual([])
    expect(spec?.upstreams[0]?.tls?.ca).toBe(join(folder, 'tls/ca.pem'))
  })
})
