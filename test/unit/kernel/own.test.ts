import { describe, expect, it } from 'vitest'
import { own } from '../../../router/kernel/own.ts'

describe('what a record holds itself', () => {
  const record: Readonly<Record<string, number>> = { vets: 1, ...JSON.parse('{"__proto__":2}') }

  it('is found by name', () => {
    expect(own(record, 'vets')).toBe(1)
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'clinic'])('is nothing of the name %s', (name) => {
    expect(own(record, name)).toBeUndefined()
  })

  it('is what was written as __proto__ only where it was', () => {
    expect(own(JSON.parse('{"__proto__":2}'), '__proto__')).toBe(2)
    expect(own({}, '__proto__')).toBeUndefined()
  })
})
