import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Control } from '../../../router/admin/control.ts'
import { type AdminPort, openAdmin } from '../../../router/control/admin-port.ts'
import type { Log } from '../../../router/kernel/log.ts'

let folder: string
let file: string
let said: string[]
let admin: AdminPort | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-admin-'))
  file = join(folder, 'token')
  said = []
})
afterEach(async () => {
  await admin?.close()
  admin = undefined
  rmSync(folder, { recursive: true })
})

/** The port of an API with one token, which the file holds; nothing of control is needed but its status. */
async function ask(authorization?: string): Promise<{ status: number; text: string }> {
  const say = (message: string): void => void said.push(message)
  const log: Log = { info: say, warn: say, error: say, child: () => log }
  const address = {
    host: '127.0.0.1',
    port: 0,
    tokens: [{ name: 'ci', token: `file:${file}`, role: 'operate' as const }],
  }
  const control: Partial<Control> = { metrics: async () => 'figures' }
  admin ??= await openAdmin({ control: control as Control, address, log })
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await fetch(`http://127.0.0.1:${admin.bound().port}/metrics`, { headers })
  return { status: answer.status, text: await answer.text() }
}
describe('the admin port, where a token is in a file', () => {
  it('answers 503 and says why until the file is there', async () => {
    const refused = await ask('Bearer s3cret')
    expect(refused.status).toBe(503)
    expect(refused.text).toContain(`token \\"ci\\": file:${file} cannot be read (ENOENT`)
    expect(said[0]).toContain(`token "ci": file:${file} cannot be read`)
    writeFileSync(file, 's3cret\n')
    expect(await ask('Bearer s3cret')).toEqual({ status: 200, text: 'figures' })
    expect((await ask('Bearer other')).status).toBe(401)
  })

  it('lets nobody in where the file is empty', async () => {
    writeFileSync(file, '\n')
    for (const given of [undefined, 'Bearer ', 'Bearer x']) expect((await ask(given)).status).toBe(503)
    expect(said[0]).toContain('is empty; write the token into it')
  })
})
