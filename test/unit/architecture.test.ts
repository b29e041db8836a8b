import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { importsOf, violations } from '../architecture.ts'

const root = new URL('../../', import.meta.url).pathname
const sources = new Map(
  globSync('router/**/*.ts', { cwd: root })
    .sort()
    .map((file) => [file, readFileSync(root + file, 'utf8')]),
)

describe('the architecture of router/', () => {
  it('imports in one direction, without cycles, and names files after what they do', () => {
    expect(sources.size).toBeGreaterThan(10)
    expect(violations(sources)).toEqual([])
  })

  it.each([
    {
      why: 'a lower part imports a higher one',
      file: 'router/kernel/planted.ts',
      text: "import { KEYS } from '../model/plan.ts'",
      says: 'router/kernel/planted.ts:1: kernel imports model ("../model/plan.ts"); it may import none',
    },
    {
      why: 'a type import counts',
      file: 'router/model/planted.ts',
      text: "\nimport type { Decoded } from '../config/planted.ts'",
      says: 'router/model/planted.ts:2: model imports config ("../config/planted.ts"); it may import kernel',
    },
    {
      why: 'a type named in place counts',
      file: 'router/state/planted.ts',
      text: "export type Row = import('../shift/planted.ts').Row",
      says: 'router/state/planted.ts:1: state imports shift ("../shift/planted.ts"); it may import kernel, model',
    },
    {
      why: 'a dynamic import counts',
      file: 'router/dataplane/planted.ts',
      text: "export const load = () => import('../config/planted.ts')",
      says: 'router/dataplane/planted.ts:1: dataplane imports config ("../config/planted.ts"); it may import kernel, model',
    },
    {
      why: 'a re-export counts',
      file: 'router/discovery/planted.ts',
      text: "export { merge } from '../catalogue/planted.ts'",
      says: 'router/discovery/planted.ts:1: discovery imports catalogue ("../catalogue/planted.ts"); it may import kernel, model',
    },
    {
      why: 'a re-export of everything counts',
      file: 'router/config/planted.ts',
      text: "export * from '../discovery/planted.ts'",
      says: 'router/config/planted.ts:1: config imports discovery ("../discovery/planted.ts"); it may import kernel, model, yaml, schema',
    },
    {
      why: 'a worker counts',
      file: 'router/functions/planted.ts',
      text: "export const start = () => new Worker(new URL('../state/planted.ts', import.meta.url))",
      says: 'router/functions/planted.ts:1: functions imports state ("../state/planted.ts"); it may import kernel, model, yaml',
    },
    {
      why: 'a worker whose file is found beside the caller counts',
      file: 'router/functions/planted.ts',
      text: "export const start = () => new Worker(moduleFile(import.meta.url, '../state/planted'), {})",
      says: 'router/functions/planted.ts:1: functions imports state ("../state/planted"); it may import kernel, model, yaml',
    },
    {
      why: 'the data plane loads no schema library',
      file: 'router/dataplane/planted.ts',
      text: "import { z } from 'zod'",
      says: 'router/dataplane/planted.ts:1: dataplane loads the package "zod"; it may load re2js',
    },
    {
      why: "the data plane does not load a policy's schema",
      file: 'router/dataplane/planted.ts',
      text: "import { schema } from './policies/planted/schema.ts'",
      says: 'router/dataplane/planted.ts:1: dataplane imports schema ("./policies/planted/schema.ts"); it may import kernel, model',
    },
    {
      why: 'the name of a scoped package has two parts',
      file: 'router/supervisor.ts',
      text: "import { serve } from '@hono/node-server/serve-static'",
      says: 'router/supervisor.ts:1: supervisor loads the package "@hono/node-server"; it may load none',
    },
    {
      why: 'a computed import is refused',
      file: 'router/config/planted.ts',
      text: 'export const load = (name: string) => import(name)',
      says: 'router/config/planted.ts:1: import() of a computed name cannot be checked; write the name out',
    },
    {
      why: 'tests and examples stay outside',
      file: 'router/config/planted.ts',
      text: "import { needs } from '../../test/needs.ts'",
      says: 'router/config/planted.ts:1: "../../test/needs.ts" is no source file of router/',
    },
    {
      why: 'an unknown folder is asked about',
      file: 'router/misc/planted.ts',
      text: "import { systemClock } from '../kernel/clock.ts'",
      says: 'router/misc/planted.ts:1: "misc" is not in the import table; add it to test/architecture.ts',
    },
    {
      why: 'an empty word in a name is refused',
      file: 'router/config/pathUtils.ts',
      text: '',
      says: 'router/config/pathUtils.ts: "Utils" says nothing; name the file after what it does',
    },
  ])('$why', ({ file, text, says }) => {
    const folders = ['config', 'catalogue', 'discovery', 'shift', 'state']
    const planted = [
      ...folders.map((folder) => `router/${folder}/planted.ts`),
      'router/dataplane/policies/planted/schema.ts',
    ]
    const others = planted.map((name) => [name, ''] as const)
    const known = [...sources].filter(([name]) => /^router\/(kernel|model)\//.test(name))
    expect(violations(new Map([...known, ...others, [file, text]]))).toEqual([says])
  })

  it('finds a cycle of files, and lets types name each other', () => {
    const cycle = (closing: string) =>
      new Map([
        ['router/config/a.ts', "import { b } from './b.ts'"],
        ['router/config/b.ts', "import { c } from './c.ts'"],
        ['router/config/c.ts', closing],
      ])
    expect(violations(cycle("export { a } from './a.ts'"))).toEqual([
      'router/config/a.ts → router/config/b.ts → router/config/c.ts → router/config/a.ts: files import each other in a cycle',
    ])
    expect(violations(cycle("export type { A } from './a.ts'"))).toEqual([])
  })
})

describe('reading imports', () => {
  it('sees every form once and is not fooled by text', () => {
    const text = [
      "// import a from './comment.ts'",
      "import a, { type B } from './static.ts'",
      "import './effect.ts'",
      "import type { C } from './types.ts'",
      'const text = "import(\'./string.ts\')"',
      "const regex = /import\\('x'\\)/",
      "const template = `import x from './template.ts' ${await import('./inside.ts')}`",
      'const plain = import(`./quoted.ts`)',
      'const computed = import(`./${text}.ts`)',
      "const old = require('./required.ts')",
      "type T = typeof import('./type.ts')",
      'export const local = 1',
    ].join('\n')
    expect(importsOf(text)).toEqual([
      { specifier: './static.ts', line: 2, loads: true },
      { specifier: './effect.ts', line: 3, loads: true },
      { specifier: './types.ts', line: 4, loads: false },
      { specifier: './inside.ts', line: 7, loads: true },
      { specifier: './quoted.ts', line: 8, loads: true },
      { specifier: undefined, line: 9, loads: true },
      { specifier: './required.ts', line: 10, loads: true },
      { specifier: './type.ts', line: 11, loads: false },
    ])
  })
})
