import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { textOf } from '../../router/discovery/json.ts'
import { accessReader } from '../../router/discovery/sources/kubernetes/access.ts'
import { createApi } from '../../router/discovery/sources/kubernetes/api.ts'
import { kubernetesSource } from '../../router/discovery/sources/kubernetes/index.ts'
import { SERVICES } from '../../router/discovery/sources/kubernetes/resources.ts'
import { startWatch } from '../../router/discovery/sources/kubernetes/watch.ts'
import type { Source } from '../../router/discovery/sources/source.ts'
import { systemClock } from '../../router/kernel/clock.ts'
import { type Log, silentLog } from '../../router/kernel/log.ts'
import type { SourceObservation } from '../../router/model/catalogue.ts'
import { ROOT } from '../estate.ts'
import { type Answer, type KubernetesServer, startKubernetes } from '../kubernetes.ts'
import { describeWith } from '../needs.ts'
import { openNamespace, type Pods } from '../pods.ts'
import { specOf } from '../unit/config/decoding.ts'

describeWith('kubernetes', 'the Kubernetes source, asking a real API server', (programs) => {
  let folder: string
  let kube: KubernetesServer
  let clinic: Pods
  const open: Source[] = []
  const soon = { timeout: 15_000, interval: 10 }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-kube-'))
    kube = await startKubernetes({ programs, folder, watchCache: false })
    clinic = await openNamespace(kube, 'clinic')
    await clinic.service('vets')
    await clinic.service('owners', { annotations: { 'banyan.upstream': 'owners', 'banyan.tier': 'legacy' } })
  })
  afterEach(() => Promise.all(open.splice(0).map((source) => source.close())))
  afterAll(async () => {
    await kube.close()
    rmSync(folder, { recursive: true, force: true })
  })

  type Environment = Parameters<typeof kubernetesSource>[0]

  /** The source at work on this configuration, and what it says now. */
  function watching(text: string, environment: Environment = { env: { KUBECONFIG: kube.kubeconfig } }) {
    const words: SourceObservation[] = []
    const source = kubernetesSource(environment).create({
      spec: specOf(text),
      functions: undefined,
      clock: systemClock,
      random: () => 0,
      log: silentLog,
      remembered: undefined,
      publish: (word) => void words.push(word),
    })
    open.push(source)
    const find = (name: string) => words.at(-1)?.upstreams.find((one) => one.name === name)
    return {
      words,
      word: () => words.at(-1),
      find,
      places: () => find('vets')?.endpoints.map(({ host, port }) => `${host}:${port}`),
      /** What is wrong, every sentence once. */
      problems: () => [...new Set(words.at(-1)?.sighting?.attempts.map(({ what, outcome }) => `${what}: ${outcome}`))],
    }
  }

  const WRITTEN = 'upstreams: { vets: { kubernetes: { service: vets, namespace: clinic, port: http } } }'

  it('follows Pods as they become ready and unready and go away', async () => {
    const { places, find } = watching(WRITTEN)
    await expect.poll(() => find('vets')?.sighting?.state, soon).toBe('answered')
    expect(places()).toEqual([])
    await clinic.pod('vets', 'vets-1', { ip: '127.0.1.1', port: 3000 })
    await clinic.pod('vets', 'vets-2', { ip: '127.0.1.2', port: 3001 })
    await expect.poll(() => find('vets')?.sighting?.attempts[0]?.outcome, soon).toBe('0 of 2 Pods ready')
    expect(places()).toEqual([])
    await clinic.ready('vets-1', true)
    await expect.poll(places, soon).toEqual(['127.0.1.1:3000'])
    await clinic.ready('vets-2', true)
    await expect.poll(places, soon).toEqual(['127.0.1.1:3000', '127.0.1.2:3001'])
    await clinic.ready('vets-1', false)
    await expect.poll(places, soon).toEqual(['127.0.1.2:3001'])
    await clinic.remove('vets-2')
    await expect.poll(places, soon).toEqual([])
    await clinic.remove('vets-1')
  })

  it('says what it looks for where it is not there', async () => {
    const { find } = watching(WRITTEN.replace('service: vets', 'service: nobody'))
    await expect.poll(() => find('vets')?.failure, soon).toBe('Service clinic/nobody does not exist')
    const wrong = watching(WRITTEN.replace('port: http', 'port: 81'))
    await expect
      .poll(() => wrong.find('vets')?.failure, soon)
      .toBe('Service clinic/vets has no port 81; it has http (80)')
  })

  it('makes upstreams of annotated Services, and routes of Ingress objects', async () => {
    const backend = (name: string) => ({ service: { name, port: { number: 80 } } })
    const path = (written: string, name: string) => ({ path: written, pathType: 'Prefix', backend: backend(name) })
    await clinic.ingress('web', {
      ingressClassName: 'banyan',
      rules: [{ host: 'clinic.test', http: { paths: [path('/vets', 'vets'), path('/owners', 'owners')] } }],
    })
    const rewritten = { path: '/old(/|$)(.*)', pathType: 'ImplementationSpecific', backend: backend('vets') }
    const target = { 'nginx.ingress.kubernetes.io/rewrite-target': '/$2' }
    await clinic.ingress('other', { ingressClassName: 'other', rules: [{ http: { paths: [rewritten] } }] }, target)
    const { word, find } = watching('kubernetes: { ingress: banyan }')
    await expect.poll(() => word()?.sighting?.state, soon).toBe('answered')
    expect(find('owners')).toMatchObject({ tier: 'legacy', found: 'Service clinic/owners, by its annotation' })
    expect(find('kubernetes/clinic/vets:80')).toMatchObject({ tier: 'service', found: 'Service clinic/vets' })
    const routes = () => word()?.routes?.map(({ match, to, policies }) => [match, to, policies])
    expect(routes()).toEqual([
      [{ host: 'clinic.test', path: '/vets/**' }, 'kubernetes/clinic/vets:80', []],
      [{ host: 'clinic.test', path: '/owners/**' }, 'owners', []],
    ])
    const all = watching('kubernetes: { ingress: true, namespaces: [clinic] }')
    await expect.poll(() => all.word()?.routes?.length, soon).toBe(3)
    expect(all.word()?.routes?.map(({ policies }) => policies)).toContainEqual([
      { kind: 'rewrite', options: { prefix: { from: '/old', to: '' } } },
    ])
    await kube.ask('DELETE', '/apis/networking.k8s.io/v1/namespaces/clinic/ingresses/web')
    await expect.poll(() => word()?.routes, soon).toEqual([])
  })

  it('lists again when its watch has expired, and misses nothing', async () => {
    const asked: string[] = []
    const log: Log = { ...silentLog, info: (message) => void asked.push(message), child: () => log }
    const access = accessReader({ options: {}, env: { KUBECONFIG: kube.kubeconfig }, now: Date.now })
    const api = createApi({ access, version: 'test', clock: systemClock })
    const read = (object: Readonly<Record<string, unknown>>) => textOf((object as Answer).metadata.name)
    const watched = startWatch({
      api: { ...api, stream: (path, ask) => api.stream(path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=2'), ask) },
      resource: SERVICES,
      namespace: 'clinic',
      read,
      changed: () => {},
      clock: systemClock,
      random: () => 0,
      log,
    })
    await expect.poll(() => [...watched.objects().values()].sort(), soon).toEqual(['owners', 'vets'])
    // What happens elsewhere goes on, and what was before is forgotten: the next watch begins in the forgotten past.
    for (const name of ['other-1', 'other-2', 'other-3'])
      await kube.ask('POST', '/api/v1/namespaces', { metadata: { name } })
    await kube.compact()
    await expect
      .poll(() => asked, soon)
      .toContain('kubernetes: watch services in namespace clinic: expired, listed again')
    expect(watched.standing().problem).toBeUndefined()
    await clinic.service('late')
    await expect.poll(() => [...watched.objects().values()].sort(), soon).toEqual(['late', 'owners', 'vets'])
    await watched.close()
    api.close()
  })

  describe('with a service account that may do what deploy/kubernetes/rbac.yaml says', () => {
    let account: Environment
    let token: string
    const documents: Answer[] = []
    const apply = (document: Answer, rules = document.rules) =>
      kube.ask('POST', placeOf(document), { ...document, ...(rules === undefined ? {} : { rules }) })
    const YAML = 'kubernetes: { namespaces: [clinic], ingress: true }'

    beforeAll(async () => {
      loadAll(readFileSync(join(ROOT, 'deploy/kubernetes/rbac.yaml'), 'utf8'), (document) => documents.push(document))
      for (const document of documents)
        if (document.kind !== 'Role' && document.kind !== 'ClusterRole') await apply(document)
      const path = '/api/v1/namespaces/clinic/serviceaccounts/banyan/token'
      token = (await kube.ask('POST', path, { spec: {} })).status.token
      const serviceAccount = join(folder, 'serviceaccount')
      mkdirSync(serviceAccount)
      const files = { token, 'ca.crt': kube.ca, namespace: 'clinic' }
      for (const [name, text] of Object.entries(files)) writeFileSync(join(serviceAccount, name), text)
      const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(kube.port) }
      account = { env, serviceAccount }
    })
    const role = () => documents.find(({ kind }) => kind === 'Role')
    const ROLE = '/apis/rbac.authorization.k8s.io/v1/namespaces/clinic/roles/banyan'

    it('names every permission that is missing, and goes on when they are granted', async () => {
      const { problems, word } = watching(YAML, account)
      await expect.poll(() => problems().length, soon).toBe(3)
      for (const [resource, group] of [
        ['services', ''],
        ['endpointslices', 'discovery.k8s.io'],
        ['ingresses', 'networking.k8s.io'],
      ]) {
        expect(problems().join('\n')).toContain(
          `list ${resource} in namespace clinic: 127.0.0.1:${kube.port} answered 403 to the Pod's service account: ` +
            `${resource}${group === '' ? '' : `.${group}`} is forbidden: User "system:serviceaccount:clinic:banyan"`,
        )
        expect(problems().join('\n')).toContain(
          `grant verb "list" on resource "${resource}" of apiGroup "${group}" in a Role in namespace clinic`,
        )
      }
      await apply(role())
      await expect.poll(() => word()?.sighting?.state, soon).toBe('answered')
      expect(word()?.upstreams.map(({ name }) => name)).toContain('owners')
    })

    it('needs each of them: without one verb on one resource, just that is missing', async () => {
      const rules: Answer[] = role().rules
      for (const rule of rules) {
        for (const verb of rule.verbs) {
          const fewer = rules.map((one) =>
            one === rule ? { ...one, verbs: one.verbs.filter((v: string) => v !== verb) } : one,
          )
          await kube.ask('PUT', ROLE, { ...role(), rules: fewer })
          const { problems } = watching(YAML, account)
          const [resource] = rule.resources
          await expect
            .poll(problems, soon)
            .toEqual([expect.stringContaining(`grant verb "${verb}" on resource "${resource}"`)])
          await Promise.all(open.splice(0).map((source) => source.close()))
        }
      }
      await kube.ask('PUT', ROLE, role())
    })

    it.each([
      ['GET', '/api/v1/namespaces/clinic/pods'],
      ['GET', '/api/v1/namespaces/clinic/secrets'],
      ['GET', '/api/v1/namespaces/clinic/services/vets'],
      ['DELETE', '/api/v1/namespaces/clinic/services/vets'],
      ['GET', '/api/v1/services'],
      ['GET', '/api/v1/nodes'],
    ])('may do no more: %s %s is refused', async (method, path) => {
      expect(await statusOf(kube, token, method, path)).toBe(403)
    })

    it('sees the whole cluster with the ClusterRole, and not without', async () => {
      const { problems, word } = watching('kubernetes: true', account)
      await expect
        .poll(problems, soon)
        .toContainEqual(
          expect.stringContaining('grant verb "list" on resource "services" of apiGroup "" in a ClusterRole'),
        )
      const cluster = documents.find(({ kind }) => kind === 'ClusterRole')
      await apply(cluster)
      await kube.ask('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: 'banyan' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: cluster.metadata.name },
        subjects: [{ kind: 'ServiceAccount', name: 'banyan', namespace: 'clinic' }],
      })
      await expect.poll(() => word()?.sighting?.state, soon).toBe('answered')
    })
  })

  it('keeps what it knew while the API server is away, says for how long, and catches up by itself', async () => {
    await clinic.pod('vets', 'vets-3', { ip: '127.0.1.3', port: 3000 })
    await clinic.ready('vets-3', true)
    await clinic.ingress('kept', { defaultBackend: { service: { name: 'vets', port: { number: 80 } } } })
    const { places, find, word } = watching(`kubernetes: { ingress: true }\n${WRITTEN}`)
    await expect.poll(places, soon).toEqual(['127.0.1.3:3000'])
    await expect.poll(() => word()?.sighting?.state, soon).toBe('answered')
    const routes = word()?.routes
    expect(routes?.length).toBeGreaterThan(0)

    await kube.kill()
    const killed = Date.now()
    await expect.poll(() => find('vets')?.sighting?.state, soon).toBe('failed')
    const { at = 0, nextAt = 0, attempts = [] } = find('vets')?.sighting ?? {}
    expect(Math.abs(at - killed)).toBeLessThan(5_000)
    expect(nextAt).toBeGreaterThan(killed)
    expect(attempts.map(({ outcome }) => outcome).join('\n')).toMatch(
      /1 of 1 Pods ready.*(?:cannot be asked|broke off): /s,
    )
    expect(places()).toEqual(['127.0.1.3:3000'])
    expect(word()?.routes).toEqual(routes)

    await kube.revive()
    await expect.poll(() => word()?.sighting?.state, { timeout: 40_000, interval: 50 }).toBe('answered')
    expect(places()).toEqual(['127.0.1.3:3000'])
    await clinic.ready('vets-3', false)
    await expect.poll(places, { timeout: 40_000, interval: 50 }).toEqual([])
  })
})

function placeOf({ apiVersion, kind, metadata: { namespace } }: Answer): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
  return `${root}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`
}

function statusOf(kube: KubernetesServer, token: string, method: string, path: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` }
  return new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port: kube.port, ca: kube.ca, method, path, headers }, (response) => {
      response.resume()
      response.on('end', () => done(response.statusCode))
    })
    sent.on('error', fail)
    sent.end()
  })
}
