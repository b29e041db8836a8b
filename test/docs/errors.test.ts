import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GRPC_STATUS } from '../../router/dataplane/grpc.ts'
import { ERRORS } from '../../router/kernel/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

describe('docs/errors.md', () => {
  it('documents every error code, and only those, with the status, fault and retry class of the code', () => {
    expect(documented(page)).toEqual(table())
  })

  it.each([
    { planted: 'a code that does not exist', edit: (text: string) => text.replace('`internal`', '`internals`') },
    { planted: 'a code left out', edit: (text: string) => text.replace(/^.*`dns_failed`.*$/m, '') },
    { planted: 'a wrong status', edit: (text: string) => text.replace('| 431 |', '| 413 |') },
    { planted: 'a wrong fault', edit: (text: string) => text.replace('| 502 | upstream |', '| 502 | router |') },
    { planted: 'a code twice', edit: (text: string) => text.replace(/^.*`internal`.*$/m, '$&\n$&') },
  ])('would be caught: $planted', ({ edit }) => {
    const changed = edit(page)
    expect(changed).not.toBe(page)
    expect(documented(changed)).not.toEqual(table())
  })
})

describe('the statuses of gRPC in docs/errors.md', () => {
  const rows = [...page.matchAll(/^\| [A-Z_]+ \((\d+)\) \| (.*) \|$/gm)]

  it('are those of the code', () => {
    const told = rows.flatMap(([, status, codes = '']) => codes.split(', ').map((code) => `${code} ${status}`))
    expect(told.sort()).toEqual(
      Object.entries(GRPC_STATUS)
        .map(([code, status]) => `\`${code}\` ${status}`)
        .sort(),
    )
  })
})

/** The page's rows as `code status fault retry`, sorted. */
function documented(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, 5))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')).join(' '))
    .sort()
}

function table(): string[] {
  return Object.entries(ERRORS)
    .map(([code, { status, fault, retry }]) => `${code} ${status} ${fault} ${retry}`)
    .sort()
}
