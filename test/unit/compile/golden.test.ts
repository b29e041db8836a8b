import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compile } from '../../../router/compile/compile.ts'
import { goldenFiles, goldenPath, outcomeOf, readGolden } from './golden.ts'

/** `UPDATE_GOLDEN=1 npm test` writes what compile does now; read the difference before it is committed. */
const update = process.env.UPDATE_GOLDEN === '1'

describe('compile', () => {
  it.each(goldenFiles())('does what test/golden/%s says', (name) => {
    const golden = readGolden(name)
    const outcome = outcomeOf(golden, compile)
    if (update) writeFileSync(goldenPath(name), stringify({ ...golden, expected: outcome }, { lineWidth: 0 }))
    else expect(outcome).toEqual(golden.expected)
  })
})
