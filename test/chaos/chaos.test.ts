import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replaceFigures } from '../bench/report.ts'
import { figures, type Joined } from './joined.ts'
import type { Noted } from './load.ts'
import { play, SCENARIOS } from './play.ts'
import { never, nothingNoticed } from './scenario.ts'
import { openStage, type Stage } from './stage.ts'

/** Long enough for every harm to be done and mended; `npm run chaos` takes longer. */
const SECONDS = Number(process.env.BANYAN_CHAOS_SECONDS ?? 1)

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

describe('clients notice no more than promised', () => {
  it.each(SCENARIOS.map((scenario) => ({ name: scenario.name, scenario })))('$name', async ({ name, scenario }) => {
    const joined = await play(scenario, stage, SECONDS)
    const line = figures(name, joined)
    console.log(line)
    expect(scenario.broken(joined), line).toEqual([])
  })
})

describe('what was not kept is found', () => {
  const whole = Array.from({ length: 30 }, (_, turn): Noted => {
    return { id: `${turn}`, method: 'POST', kind: 'quick', outcome: 'ok', detail: '', ms: 1 }
  })
  const joined = (over: Partial<Joined>): Joined => {
    const none = { promised: 0, begun: 0, refused: 0, lost: [], doubled: [], unseen: [] }
    return { noted: whole, requests: whole.length, ok: whole.length, ...none, ...over }
  }

  it.each([
    { planted: 'a lost request', over: { lost: whole.slice(0, 1) } },
    { planted: 'a POST executed twice', over: { doubled: ['1'] } },
    { planted: 'an answer nobody was asked for', over: { unseen: ['1'] } },
    { planted: 'no requests at all', over: { ok: 0 } },
  ])('$planted', ({ over }) => {
    expect(never(joined({}))).toEqual([])
    expect(never(joined(over))).not.toEqual([])
  })

  it('an error where none may be', () => {
    expect(nothingNoticed(joined({}))).toEqual([])
    expect(nothingNoticed(joined({ ok: 29, promised: 1 }))).not.toEqual([])
  })
})

describe('docs/resilience.md', () => {
  const page = readFileSync(new URL('../../docs/resilience.md', import.meta.url), 'utf8')

  it('says of every harm what clients may notice, and of none that is not done', () => {
    const [, promised = ''] = page.split('## What is promised')
    const named = [...(promised.split('## ')[0] ?? '').matchAll(/^\| ([^|]+) \|/gm)].map(([, name]) => name)
    expect(named.slice(2)).toEqual(SCENARIOS.map(({ name }) => name))
  })

  it('has a place for the figures', () => {
    expect(replaceFigures(page, 'chaos', 'measured')).toContain('figures: chaos -->\nmeasured\n<!-- end')
  })
})
