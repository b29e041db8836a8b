import { describe, expect, it } from 'vitest'
import { problems, specOf } from './decoding.ts'

const written = (discover: string) => `upstreams: { vets: { url: "http://a", discover: { ${discover} } } }`
const NONE = { grpc: undefined, mappings: undefined, openapi: undefined, wsdl: undefined }

describe('discover', () => {
  it.each([
    { discover: 'grpc: true', asks: { grpc: 'on' } },
    { discover: 'grpc: false, openapi: off', asks: { grpc: 'off', openapi: 'off' } },
    { discover: 'openapi: auto, mappings: /manage/mappings', asks: { openapi: 'auto', mappings: '/manage/mappings' } },
    { discover: 'traffic: off', asks: { traffic: 'off' } },
    { discover: 'traffic: on', asks: {} },
    { discover: 'openapi: file:./vets.yaml', asks: { openapi: 'file:/srv/vets.yaml' } },
    { discover: 'wsdl: "/services/vets?wsdl"', asks: { wsdl: '/services/vets?wsdl' } },
    { discover: 'wsdl: "file:vets.wsdl"', asks: { wsdl: 'file:/srv/vets.wsdl' } },
    { discover: 'wsdl: "http://soap.test/vets?wsdl"', asks: { wsdl: 'http://soap.test/vets?wsdl' } },
  ])('$discover asks $asks', ({ discover, asks }) => {
    expect(specOf(written(discover)).upstreams[0]?.discover).toEqual({ ...NONE, ...asks })
  })

  it.each([
    { discover: 'grpc: yes', says: 'upstreams.vets.discover.grpc  must be true or false, got "yes"' },
    {
      discover: 'wsdl: vets.wsdl',
      says: 'upstreams.vets.discover.wsdl  must be a path such as /services/vets?wsdl, an http: or https: URL, or file:PATH, got "vets.wsdl"',
    },
    ...['openapi', 'wsdl'].map((kind) => ({
      discover: `${kind}: "https://me:secret@docs.test/vets"`,
      says: 'no user or password belongs here',
    })),
    { discover: 'traffic: none', says: 'upstreams.vets.discover.traffic  must be one of on, off, got "none"' },
    { discover: 'swagger: auto', says: 'upstreams.vets.discover.swagger  unknown key "swagger"' },
  ])('$discover is refused', ({ discover, says }) => {
    expect(problems(written(discover))).toEqual([expect.stringContaining(says)])
  })
})
