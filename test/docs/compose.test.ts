import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadSpec } from '../../router/config/load.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')

type Compose = {
  readonly services: Readonly<Record<string, { readonly image: string; readonly volumes?: readonly string[] }>>
}

const compose: Compose = parse(readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8'))

describe('deploy/compose.yaml', () => {
  it('runs images that npm run images builds', () => {
    const ours = Object.values(compose.services).flatMap(({ image }) => image.match(/^banyan\S*(?=:dev$)/) ?? [])
    expect(ours.sort()).toEqual(['banyan', 'banyan-counter', 'banyan-owners', 'banyan-vets'])
    for (const name of ours) {
      const dockerfile = name === 'banyan' ? 'Dockerfile' : `../services/${name.slice('banyan-'.length)}/Dockerfile`
      expect(existsSync(join(DEPLOY, dockerfile)), dockerfile).toBe(true)
    }
  })

  it('mounts files that exist', () => {
    const sources = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((one) => one.split(':')[0]),
    )
    const paths = sources.filter((source) => source?.startsWith('.'))
    expect(paths).toHaveLength(3)
    for (const path of paths) expect(existsSync(join(DEPLOY, path ?? '')), path).toBe(true)
  })

  it('has a service for every upstream that deploy/banyan.yaml names, but the one on a VM', async () => {
    const env = { CLINIC_URL: 'http://clinic.test' }
    const { spec } = await loadSpec(join(DEPLOY, 'banyan.yaml'), { env, cores: 1 })
    const hosts = spec?.upstreams.flatMap(({ urls }) => urls.map(({ host }) => host))
    expect(hosts).toEqual(['clinic.test', 'counter', 'owners', 'vets'])
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['counter', 'owners', 'vets']))
  })
})
