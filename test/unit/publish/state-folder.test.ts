import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderFailure, openStateFolder } from '../../../router/publish/state-folder.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'banyan-folder-'))
})
afterEach(() => rmSync(base, { recursive: true }))

function opened(path = join(base, 'state'), runKey?: Buffer) {
  let made = 0
  return openStateFolder({
    path,
    now: () => Date.UTC(2026, 10, 23, 12, 4, 51),
    randomBytes: (count) => Buffer.alloc(count, ++made),
    runKey,
  })
}

describe('the state folder', () => {
  it('is made for this user alone, with a signing key that is made once', () => {
    const first = opened()
    expect(statSync(first.paths.folder).mode & 0o777).toBe(0o700)
    expect(statSync(first.paths.signingKey).mode & 0o777).toBe(0o600)
    expect(first.signingKey).toHaveLength(32)
    expect(first.notices).toEqual([])
    writeFileSync(first.paths.signingKey, Buffer.alloc(40, 9))
    expect(opened().signingKey).toEqual(Buffer.alloc(40, 9))
  })

  it('that exists keeps its permissions: it may be more than ours', () => {
    mkdirSync(join(base, 'shared'), { mode: 0o755 })
    expect(statSync(opened(join(base, 'shared')).paths.folder).mode & 0o777).toBe(0o755)
  })

  it('sets a key that is too short aside, says so, and makes another', () => {
    const { paths } = opened()
    writeFileSync(paths.signingKey, 'short')
    const again = opened()
    expect(again.signingKey).toHaveLength(32)
    expect(again.notices).toEqual([expect.stringContaining('signing.key had 5 bytes')])
    expect(readFileSync(`${paths.signingKey}.corrupt-2026-11-23T12-04-51-000Z`, 'utf8')).toBe('short')
  })

  it('that cannot be made is no reason not to start: the key of this run signs', () => {
    writeFileSync(join(base, 'file'), '')
    const runKey = Buffer.alloc(32, 5)
    const folder = opened(join(base, 'file', 'state'), runKey)
    expect(folder.signingKey).toEqual(runKey)
    expect(folder.notices).toEqual([
      expect.stringContaining('cannot be written'),
      expect.stringContaining('signing.key cannot be written'),
    ])
  })

  it('writes a file whole or not at all, and leaves nothing beside it', async () => {
    const { paths, write } = opened()
    await write(paths.plan, 'one')
    await write(paths.plan, 'two')
    expect(readFileSync(paths.plan, 'utf8')).toBe('two')
    expect(statSync(paths.plan).mode & 0o777).toBe(0o600)
    mkdirSync(paths.live)
    await expect(write(paths.live, 'three')).rejects.toThrow(FolderFailure)
    expect(readdirSync(paths.folder).sort()).toEqual(['live.json', 'plan.json', 'signing.key'])
  })

  it.each([
    { code: 'ENOSPC', says: /the disk is full.*Free some space\.$/ },
    { code: 'EROFS', says: /the file system is read-only.*Make the folder writable\.$/ },
    { code: 'EACCES', says: /permission denied.*Make the folder writable\.$/ },
  ])('says what to do about $code', ({ code, says }) => {
    const failure = new FolderFailure('/s/plan.json', Object.assign(new Error(code), { code }))
    expect(failure.reason).toBe(code)
    expect(failure.message).toMatch(says)
    expect(failure.message).toContain('plan.json cannot be written in /s')
  })
})
