import { describe, expect, it } from 'vitest'
import { seal, unseal } from '../../../router/kernel/sealed.ts'

describe('a sealed file', () => {
  const body = { rules: [{ id: 'route:a' }], text: 'a\nb', ['__proto__']: 1 }

  it('gives back what was sealed', () => {
    expect(unseal(seal(body))).toEqual({ kind: 'whole', body: JSON.parse(JSON.stringify(body)) })
  })

  it('cut at any byte is corrupt, except for its last newline', () => {
    const text = seal(body)
    const kinds = [...text].map((_, end) => unseal(text.slice(0, end)).kind)
    expect(kinds.slice(0, -1)).not.toContain('whole')
    expect(kinds.at(-1)).toBe('whole')
  })

  it('with one character changed is corrupt', () => {
    const text = seal(body)
    expect(unseal(text.replace('route:a', 'route:b'))).toEqual({
      kind: 'corrupt',
      reason: 'its checksum does not match',
    })
  })

  it('of a later format says so', () => {
    expect(unseal(seal(body).replace('"format":1', '"format":2'))).toEqual({
      kind: 'corrupt',
      reason: 'it has format 2; this version reads format 1',
    })
  })
})
