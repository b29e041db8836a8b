import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadLastGood as loadInDataplane } from '../../../router/dataplane/last-good.ts'
import type { KeptLive, KeptPlan } from '../../../router/model/link.ts'
import { loadLastGood, saveLive, savePlan } from '../../../router/publish/last-good.ts'
import { openStateFolder, type StateFolder } from '../../../router/publish/state-folder.ts'
import { emptyLive, planNamed } from '../../e2e/fixtures/plans.ts'

let folder: StateFolder
beforeEach(() => {
  folder = openStateFolder({
    path: mkdtempSync(join(tmpdir(), 'banyan-last-good-')),
    now: () => 0,
    randomBytes: (count) => Buffer.alloc(count),
    runKey: undefined,
  })
})
afterEach(() => rmSync(folder.paths.folder, { recursive: true }))

const plan: KeptPlan = { revision: 4, planHash: 'p', plan: planNamed('kept') }
const live: KeptLive = {
  revision: 6,
  hash: 'h',
  planHash: 'p',
  live: { ...emptyLive, weights: { 'GET /vets.html': { weight: 0.25, salt: '00ff', active: true } } },
}

describe('what the router last served', () => {
  it('comes back as it was, with the highest revision', async () => {
    await savePlan(folder, plan)
    await saveLive(folder, live)
    expect(loadLastGood(folder)).toEqual({ plan, live, revision: 6, notices: [] })
  })

  it('is nothing at the very first start', () => {
    expect(loadLastGood(folder)).toEqual({ plan: undefined, live: undefined, revision: 0, notices: [] })
  })

  it('is set aside where it is corrupt, and says so; the other file still counts', async () => {
    await savePlan(folder, plan)
    await saveLive(folder, live)
    const text = readFileSync(folder.paths.plan, 'utf8')
    writeFileSync(folder.paths.plan, text.slice(0, text.length / 2))
    const aside = `${folder.paths.plan}.corrupt-1970-01-01T00-00-00-000Z`
    const loaded = loadLastGood(folder)
    expect(loaded).toMatchObject({ plan: undefined, live, revision: 6 })
    expect(loaded.notices).toEqual([
      `${folder.paths.plan} is not used: its checksum does not match. It is now ${aside}; the next plan replaces it.`,
    ])
    expect(readFileSync(aside, 'utf8')).toBe(text.slice(0, text.length / 2))
    expect(loadLastGood(folder).notices).toEqual([])
  })
})

describe('a data-plane process without control', () => {
  it('serves the kept plan with the last-known weights', async () => {
    await savePlan(folder, plan)
    await saveLive(folder, live)
    expect(loadInDataplane(folder.paths)).toEqual({
      published: { revision: 6, hash: 'h', plan: plan.plan, live: live.live },
      planHash: 'p',
    })
  })

  it('serves it without weights where those are unknown', async () => {
    await savePlan(folder, plan)
    writeFileSync(folder.paths.live, 'garbage')
    expect(loadInDataplane(folder.paths)?.published).toMatchObject({ revision: 4, live: emptyLive })
    expect(readFileSync(folder.paths.live, 'utf8')).toBe('garbage')
  })

  it('has nothing to serve where no plan was kept', async () => {
    await saveLive(folder, live)
    expect(loadInDataplane(folder.paths)).toBeUndefined()
  })
})
