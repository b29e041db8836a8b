import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type * as Compile from '../../../router/compile/compile.ts'
import { goldenFiles, outcomeOf, readGolden } from './golden.ts'

/**
 * The golden files are worth what they notice: each mutation changes one expression of compile in a copy of its
 * sources, and some golden file must break.
 */
const MUTATIONS: readonly { name: string; file: string; from: string; to: string }[] = [
  {
    name: 'a prefix takes operations that only others implement',
    file: 'operations.ts',
    from: 'strongOthers(claim, subject).length === 0',
    to: 'true',
  },
  {
    name: 'capture takes nothing',
    file: 'operations.ts',
    from: 'return claim.capture || implementsIt',
    to: 'return implementsIt',
  },
  {
    name: 'a route without methods names an operation exactly',
    file: 'operations.ts',
    from: "return methods === undefined ? 'covers' : 'exact'",
    to: "return 'exact'",
  },
  {
    name: 'a kept operation is kept under every host',
    file: 'operations.ts',
    from: '...(host === undefined ? {} : { host }),',
    to: '',
  },
  {
    name: 'operations that were only seen are kept too',
    file: 'operations.ts',
    from: "confidence !== 'observed'",
    to: 'confidence !== undefined',
  },
  {
    name: 'implementers that are only remembered do not count',
    file: 'operations.ts',
    from: 'evidence.length === 0 ||',
    to: '',
  },
  {
    name: 'a worse route keeps what a better one took',
    file: 'operations.ts',
    from: '|| isSuperseded(claim, subject, related)',
    to: '',
  },
  {
    name: 'what is kept swallows narrower operations',
    file: 'operations.ts',
    from: 'take.needed || isBlocked(take, kept)',
    to: 'take.needed',
  },
  {
    name: 'what is kept of an overlap outlives a more specific operation',
    file: 'operations.ts',
    from: 'each.kept.filter((keep) => !isRefined(keep, subjects))',
    to: 'each.kept',
  },
  {
    name: 'a route to a function that does not load is forwarded all the same',
    file: 'claims.ts',
    from: "if (gone === undefined) return { action: { kind: 'forward', upstream: route.to }, troubles: [] }",
    to: "if (gone !== null) return { action: { kind: 'forward', upstream: route.to }, troubles: [] }",
  },
  {
    name: 'incumbent and candidate change places',
    file: 'claims.ts',
    from: "action: { kind: 'shift', shift, incumbent, candidate }",
    to: "action: { kind: 'shift', shift, incumbent: candidate, candidate: incumbent }",
  },
  {
    name: 'a live shift without its incumbent answers 503',
    file: 'claims.ts',
    from: 'noCandidate === undefined && live',
    to: 'noCandidate === undefined && false',
  },
  {
    name: 'a function whose newer version is broken is set aside',
    file: 'upstreams.ts',
    from: 'failure !== undefined && endpoints.length === 0',
    to: 'failure !== undefined',
  },
  {
    name: 'a shift outside the YAML competes with a route',
    file: 'ties.ts',
    from: 'if (route === undefined) return true\n    diagnostics',
    to: 'if (route !== null) return true\n    diagnostics',
  },
  {
    name: 'fields that exclude each other make a tie',
    file: 'overlap.ts',
    from: 'return !a.some((field) => b.some((other) => areDisjoint(field, other)))',
    to: 'return a !== b || b !== a',
  },
  {
    name: 'the default is forgotten',
    file: 'compile.ts',
    from: '...operations.rules, ...fallback.rules]',
    to: '...operations.rules]',
  },
]

describe('the golden files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-mutations-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(MUTATIONS.map((mutation, index) => ({ ...mutation, index })))('notice that $name', async (mutation) => {
    const { compile } = await mutated(join(folder, String(mutation.index)), mutation)
    const broken = goldenFiles().filter((name) => {
      const golden = readGolden(name)
      return JSON.stringify(outcomeOf(golden, compile)) !== JSON.stringify(golden.expected)
    })
    expect(broken).not.toEqual([])
  })

  it('are intact without a mutation', async () => {
    const { compile } = await mutated(join(folder, 'none'), {
      file: 'compile.ts',
      from: 'pure and total',
      to: 'intact',
    })
    for (const name of goldenFiles()) {
      const golden = readGolden(name)
      expect(outcomeOf(golden, compile)).toEqual(golden.expected)
    }
  })
})

const ROUTER = join(import.meta.dirname, '../../../router')

/** Compile from a copy of its sources with one expression replaced. */
async function mutated(folder: string, change: { file: string; from: string; to: string }): Promise<typeof Compile> {
  for (const part of ['kernel', 'model', 'compile', 'dataplane/matching', 'dataplane/policies']) {
    cpSync(join(ROUTER, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(ROUTER, '../node_modules'), join(folder, 'node_modules'))
  const file = join(folder, 'compile', change.file)
  const source = readFileSync(file, 'utf8')
  expect(source.split(change.from)).toHaveLength(2)
  writeFileSync(file, source.replace(change.from, change.to))
  return import(pathToFileURL(join(folder, 'compile/compile.ts')).href)
}
