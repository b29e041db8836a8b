import { describe, expect, it } from 'vitest'
import type { ShiftRecord } from '../../../router/model/shift.ts'
import { abort, begin, describe as inWords, percent, promote, retry } from '../../../router/shift/stages.ts'

const base = begin(
  {
    id: 'GET /vets.html',
    match: { path: '/vets.html', methods: ['GET'] },
    incumbent: 'clinic',
    candidate: 'vets',
    inYaml: true,
    steps: [0.05, 0.25, 0.5],
  },
  '0'.repeat(32),
  1000,
)
const at = (weight: number): ShiftRecord => ({ ...base, weight, stage: weight >= 1 ? 'live' : 'canary' })
const rolledBack: ShiftRecord = { ...base, weight: 0, stage: 'rolled-back' }

describe('a shift', () => {
  it('begins at its first step', () => expect(base).toMatchObject({ stage: 'canary', weight: 0.05, version: 1 }))

  it('is promoted through its steps to live', () => {
    const weights: number[] = []
    let record = base
    for (let move = promote(record, undefined, 2000); move.kind === 'moved'; move = promote(record, undefined, 2000)) {
      record = move.after
      weights.push(record.weight)
    }
    expect(weights).toEqual([0.25, 0.5, 1])
    expect(record).toMatchObject({ stage: 'live', version: 4, changedAt: 2000, salt: base.salt })
  })

  it.each([
    { from: at(0.25), to: 0.3, kind: 'moved', why: 'a weight between the steps is allowed' },
    { from: at(0.25), to: 0.05, kind: 'refused', why: 'weights only rise' },
    { from: at(0.25), to: 0.25, kind: 'unchanged', why: 'the same weight is no move' },
    { from: at(0.25), to: 1.5, kind: 'refused', why: 'no more than everything' },
    { from: at(0.25), to: Number.NaN, kind: 'refused', why: 'not a number' },
    { from: at(1), to: undefined, kind: 'unchanged', why: 'live is the top' },
    { from: at(1), to: 0.5, kind: 'refused', why: 'live comes down by abort only' },
    { from: rolledBack, to: undefined, kind: 'refused', why: 'rolled back sticks until retry' },
  ])('promote: $why', ({ from, to, kind }) => expect(promote(from, to, 0).kind).toBe(kind))

  it.each([at(0.05), at(0.5), at(1)])('is aborted from weight $weight to 0', (record) => {
    expect(abort(record, 5)).toMatchObject({
      kind: 'moved',
      after: { stage: 'rolled-back', weight: 0, salt: base.salt },
    })
  })

  it('is aborted once: a second abort changes nothing', () => expect(abort(rolledBack, 5).kind).toBe('unchanged'))

  it('is retried only after it was rolled back, with the same salt', () => {
    expect(retry(at(0.25), 5).kind).toBe('refused')
    expect(retry(rolledBack, 5)).toMatchObject({ kind: 'moved', after: { weight: 0.05, salt: base.salt } })
  })

  it('speaks in percent', () => {
    expect([percent(0.07), percent(0.001), percent(1), inWords(at(0.25))]).toEqual([
      '7 %',
      '0.1 %',
      '100 %',
      'canary at 25 %',
    ])
  })
})
