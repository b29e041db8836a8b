import { describe, expect, it } from 'vitest'
import { ingressRoutes } from '../../../../router/discovery/sources/kubernetes/ingress.ts'
import type { IngressBackend } from '../../../../router/discovery/sources/kubernetes/objects.ts'
import { pathRule } from '../../../../router/discovery/sources/kubernetes/rewrite.ts'
import { ingress } from './shapes.ts'

const nameOf = (namespace: string, { service, port }: IngressBackend) => `kubernetes/${namespace}/${service}:${port}`
const VETS = { service: { name: 'vets', port: { number: 80 } } }

describe('a path of an Ingress', () => {
  it.each([
    { pathType: 'Exact', path: '/vets', template: '/vets' },
    { pathType: 'Exact', path: '/vets/', template: '/vets/' },
    { pathType: 'Exact', path: '/', template: '/' },
    { pathType: 'Prefix', path: '/vets', template: '/vets/**' },
    { pathType: 'Prefix', path: '/vets/', template: '/vets/**' },
    { pathType: 'Prefix', path: '/', template: '/**' },
    { pathType: 'ImplementationSpecific', path: '/vets', template: '/vets/**' },
  ])('$pathType $path matches $template', ({ template, ...written }) => {
    expect(pathRule(written, {})).toEqual({ kind: 'rule', match: { path: template }, policies: [] })
  })

  it.each([
    { path: '/vets(/|$)(.*)', target: '/$2', template: '/vets/**', prefix: { from: '/vets', to: '' } },
    { path: '/vets(/|$)(.*)', target: '/v2/$2', template: '/vets/**', prefix: { from: '/vets', to: '/v2' } },
    { path: '/a/b/?(.*)', target: '/$1', template: '/a/b/**', prefix: { from: '/a/b', to: '' } },
    { path: '/vets/(.*)', target: '/$1', template: '/vets/**', prefix: { from: '/vets', to: '' } },
    { path: '/vets(/.*)?', target: '/api$1', template: '/vets/**', prefix: { from: '/vets', to: '/api' } },
    { path: '/(.*)', target: '/app/$1', template: '/**', prefix: { from: '', to: '/app' } },
  ])('$path with rewrite-target $target replaces a prefix', ({ path, target, template, prefix }) => {
    const rule = pathRule({ path, pathType: 'ImplementationSpecific' }, { 'rewrite-target': target })
    expect(rule).toEqual({
      kind: 'rule',
      match: { path: template },
      policies: [{ kind: 'rewrite', options: { prefix } }],
    })
  })

  it('stays as it is where the target is the path itself', () => {
    const rule = pathRule({ path: '/(.*)', pathType: 'Prefix' }, { 'rewrite-target': '/$1' })
    expect(rule).toEqual({ kind: 'rule', match: { path: '/**' }, policies: [] })
  })

  it('that is exact is replaced whole', () => {
    expect(pathRule({ path: '/vets', pathType: 'Exact' }, { 'rewrite-target': '/doctors' })).toMatchObject({
      policies: [{ kind: 'rewrite', options: { prefix: { from: '/vets', to: '/doctors' } } }],
    })
  })

  it('is a regular expression where use-regex says so, from the beginning and whatever the case', () => {
    expect(pathRule({ path: '/vets/[0-9]+', pathType: 'ImplementationSpecific' }, { 'use-regex': 'true' })).toEqual({
      kind: 'rule',
      match: { pathRegex: '(?i)/vets/[0-9]+.*' },
      policies: [],
    })
  })

  it.each([
    {
      why: 'a target without a group',
      path: '/vets',
      target: '/',
      says: 'without a group makes every path that one path',
    },
    {
      why: 'groups in another order',
      path: '/([a-z]+)/(.*)',
      target: '/$2/$1',
      says: 'is not the replacement of a prefix',
    },
    {
      why: 'a group in the middle',
      path: '/vets/(.*)/edit',
      target: '/edit/$1',
      says: 'is not the replacement of a prefix',
    },
  ])('is set aside, not sent as it is, for $why', ({ path, target, says }) => {
    const rule = pathRule({ path, pathType: 'Prefix' }, { 'rewrite-target': target })
    expect(rule).toMatchObject({ kind: 'rule', failure: expect.stringContaining(says) })
  })

  it.each([
    { path: '/vets/{id}', pathType: 'Prefix', nginx: {}, says: 'characters that mean something else' },
    { path: '/vets', pathType: 'Suffix', nginx: {}, says: 'path type "Suffix" is not known' },
    { path: '/vets/(?!x)', pathType: 'Prefix', nginx: { 'use-regex': 'true' }, says: '(?!' },
  ])('$path of type $pathType is not understood', ({ path, pathType, nginx, says }) => {
    expect(pathRule({ path, pathType }, nginx)).toEqual({ kind: 'not-understood', why: expect.stringContaining(says) })
  })
})

describe('an Ingress', () => {
  it('gives a route for each path, with its host, and one for its default backend', () => {
    const paths = [{ path: '/vets', pathType: 'Prefix', backend: VETS }]
    const web = ingress({
      defaultBackend: VETS,
      rules: [{ host: 'Clinic.test', http: { paths } }, { http: { paths } }],
    })
    expect(ingressRoutes([web], nameOf)).toEqual({
      problems: [],
      routes: [
        {
          id: 'clinic/web clinic.test/vets',
          found: 'Ingress clinic/web, clinic.test/vets (Prefix)',
          match: { host: 'clinic.test', path: '/vets/**' },
          to: 'kubernetes/clinic/vets:80',
          policies: [],
        },
        {
          id: 'clinic/web /vets',
          found: 'Ingress clinic/web, /vets (Prefix)',
          match: { path: '/vets/**' },
          to: 'kubernetes/clinic/vets:80',
          policies: [],
        },
        {
          id: 'clinic/web default',
          found: 'Ingress clinic/web, default backend',
          match: { path: '/**' },
          to: 'kubernetes/clinic/vets:80',
          policies: [],
          fallback: true,
        },
      ],
    })
  })

  it('of version v1beta1 reads alike', () => {
    const backend = { serviceName: 'vets', servicePort: 'http' }
    const web = ingress({ backend, rules: [{ http: { paths: [{ path: '/a', backend }] } }] })
    expect(ingressRoutes([web], nameOf).routes.map(({ match, to }) => [match.path, to])).toEqual([
      ['/a/**', 'kubernetes/clinic/vets:http'],
      ['/**', 'kubernetes/clinic/vets:http'],
    ])
  })

  it('says what of it cannot be done', () => {
    const paths = [
      { path: '/a', pathType: 'Prefix', backend: { resource: { kind: 'Bucket', name: 'x' } } },
      { path: '/b{', pathType: 'Prefix', backend: VETS },
    ]
    const nginx = { 'nginx.ingress.kubernetes.io/whitelist-source-range': '10.0.0.0/8', other: 'x' }
    const { routes, problems } = ingressRoutes([ingress({ rules: [{ http: { paths } }] }, nginx)], nameOf)
    expect(routes).toEqual([])
    expect(problems.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: Ingress clinic/web: "/a" has a backend that is no port of a Service; the rule is left out',
      'warning: Ingress clinic/web: path "/b{" has characters that mean something else in a template; the rule is left out',
      "warning: Ingress clinic/web: annotations of nginx's controller have no effect here: whitelist-source-range",
    ])
  })
})
