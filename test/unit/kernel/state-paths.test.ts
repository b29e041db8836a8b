import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPrivate, statePaths } from '../../../router/kernel/state-paths.ts'

describe('the control socket', () => {
  it('is in the state folder, with a way out in the temporary one', () => {
    const { sockets } = statePaths('/srv/banyan', '/tmp')
    expect(sockets[0]).toBe('/srv/banyan/control.sock')
    expect(sockets[1]).toMatch(/^\/tmp\/banyan-\d+-[0-9a-f]{16}\/control\.sock$/)
  })

  it('is only in the temporary folder where its path would pass 100 bytes', () => {
    const fits = `/${'a'.repeat(100 - '//control.sock'.length)}`
    expect(statePaths(fits).sockets).toHaveLength(2)
    expect(statePaths(`${fits}a`).sockets).toHaveLength(1)
    expect(statePaths(`${fits.slice(0, -1)}ö`).sockets).toHaveLength(1)
  })

  it('differs by state folder and not by anything else', () => {
    expect(statePaths('/a').sockets).toEqual(statePaths('/a').sockets)
    expect(statePaths('/a').sockets[1]).not.toBe(statePaths('/b').sockets[1])
  })
})

describe('a folder for the socket', () => {
  let base: string
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), 'banyan-paths-'))
  })
  afterAll(() => rmSync(base, { recursive: true }))

  it.each([
    { mode: 0o700, isOurs: true, why: 'only we can enter' },
    { mode: 0o755, isOurs: true, why: 'others can look' },
    { mode: 0o777, isOurs: false, why: 'everyone can put a socket there' },
    { mode: 0o770, isOurs: false, why: 'the group can' },
  ])('of mode $mode: $why', ({ mode, isOurs }) => {
    const folder = join(base, String(mode))
    mkdirSync(folder)
    chmodSync(folder, mode)
    expect(isPrivate(join(folder, 'control.sock'))).toBe(isOurs)
  })

  it('that is missing is not private', () => {
    expect(isPrivate(join(base, 'none', 'control.sock'))).toBe(false)
  })
})
