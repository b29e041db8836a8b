import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTally, tallyOf } from '../../../router/kernel/tally.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tally-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a tally', () => {
  it('shows everyone with its descriptor what each has written, and stands in no folder', () => {
    const tally = createTally(3, [folder])
    expect(readdirSync(folder)).toEqual([])
    // What a child inherits is the same open file under another number.
    const inherited = openSync(`/proc/self/fd/${tally?.fd}`, 'r+')
    const other = tallyOf(inherited, 3)
    tally?.write(0, [1, 2, 3])
    other.write(2, [7, 8e15, 9])
    const rows = [[1, 2, 3], [0, 0, 0], [7, 8e15, 9]] // biome-ignore format: rows
    expect(tally?.read().map((row) => [...row])).toEqual(rows)
    expect(other.read().map((row) => [...row])).toEqual(rows)
    closeSync(inherited)
    tally?.close()
  })

  it('is made in the first folder that can be written to, or not at all', () => {
    const tally = createTally(2, [join(folder, 'absent'), '/proc', folder])
    expect(tally?.read().map((row) => [...row])).toEqual([[0, 0, 0], [0, 0, 0]]) // biome-ignore format: rows
    tally?.close()
    expect(createTally(2, [join(folder, 'absent'), '/proc'])).toBeUndefined()
  })
})
