import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accessReader } from '../../../../router/discovery/sources/kubernetes/access.ts'

let folder: string
let file: string
let now: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-access-'))
  file = join(folder, 'config')
  now = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type User = Readonly<Record<string, unknown>>

function write(user: User, cluster: User = {}): void {
  const context = (name: string, more: User = {}) => ({ name, context: { cluster: 'c', user: 'u', ...more } })
  const document = {
    'current-context': 'one',
    contexts: [context('one', { namespace: 'clinic' }), context('two')],
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  }
  writeFileSync(file, JSON.stringify(document))
}

const reader = (context?: string) =>
  accessReader({
    options: { kubeconfig: file, ...(context === undefined ? {} : { context }) },
    env: {},
    now: () => now,
  })

describe('a kubeconfig', () => {
  it.each([
    { user: { token: 't' }, authorization: 'Bearer t' },
    { user: { tokenFile: 'token', token: 'old' }, authorization: 'Bearer from-file' },
    { user: { username: 'me', password: 'p' }, authorization: `Basic ${Buffer.from('me:p').toString('base64')}` },
    { user: {}, authorization: undefined },
  ])('gives what user $user is allowed', async ({ user, authorization }) => {
    writeFileSync(join(folder, 'token'), 'from-file\n')
    write(user, { 'certificate-authority-data': Buffer.from('PEM').toString('base64') })
    const access = await reader()()
    expect(access.server.href).toBe('https://10.0.0.1:6443/')
    expect(access.namespace).toBe('clinic')
    expect(access.words).toBe(`context "one" of ${file}`)
    expect(access.credentials.authorization).toBe(authorization)
    expect(String(access.credentials.ca)).toBe('PEM')
    expect(access.credentials.verify).toBe(true)
  })

  it('gives certificates, in it or beside it, and the context that is asked for', async () => {
    writeFileSync(join(folder, 'key.pem'), 'KEY')
    write(
      { 'client-certificate-data': Buffer.from('CERT').toString('base64'), 'client-key': 'key.pem' },
      { 'insecure-skip-tls-verify': true, 'tls-server-name': 'kubernetes' },
    )
    const { namespace, credentials } = await reader('two')()
    expect(namespace).toBe('default')
    expect(credentials).toMatchObject({ key: 'KEY', verify: false, servername: 'kubernetes' })
    expect(String(credentials.cert)).toBe('CERT')
  })

  it('is read at every call, so that a new token is used', async () => {
    write({ token: 'one' })
    const read = reader()
    await read()
    write({ token: 'two' })
    expect((await read()).credentials.authorization).toBe('Bearer two')
  })

  it.each([
    {
      what: 'is missing',
      prepare: () => {},
      says: /cannot be read: ENOENT.*; outside of a Pod, name one in kubernetes.kubeconfig or \$KUBECONFIG/,
    },
    {
      what: 'is no YAML',
      prepare: () => writeFileSync(file, 'token: secret\na: [b\n{x'),
      says: /^kubeconfig \S+config:3 is no YAML: [^\n]+$/,
    },
    {
      what: 'has no such context',
      prepare: () => write({}),
      context: 'three',
      says: 'has no context "three"; known: one, two',
    },
    {
      what: 'names a server that is none',
      prepare: () => write({}, { server: 'nowhere' }),
      says: 'has no usable server',
    },
    {
      what: 'wants a proxy',
      prepare: () => write({}, { 'proxy-url': 'socks5://x' }),
      says: 'proxy-url), which is not supported',
    },
    {
      what: 'wants an auth-provider',
      prepare: () => write({ 'auth-provider': { name: 'gcp' } }),
      says: 'auth-provider is not supported',
    },
  ])('that $what is refused with the reason', async ({ prepare, context, says }) => {
    prepare()
    await expect(reader(context)()).rejects.toThrow(says)
  })
})

describe('a credential plugin', () => {
  /** Prints an ExecCredential whose token counts how often it was run. */
  function plugin(expires: string): User {
    const script = join(folder, 'plugin.sh')
    const status = `{ "token": "t'$(wc -l < ${folder}/runs | tr -d ' ')'", "expirationTimestamp": "${expires}" }`
    writeFileSync(script, `#!/bin/sh\necho "$WHO $1" >> ${folder}/runs\necho '{ "status": ${status} }'\n`, {
      mode: 0o755,
    })
    return {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './plugin.sh',
        args: ['get'],
        env: [{ name: 'WHO', value: 'me' }],
      },
    }
  }

  it('is run for a token, and again a minute before that expires or when it was refused', async () => {
    write(plugin('2026-01-01T01:00:00Z'))
    now = Date.parse('2026-01-01T00:00:00Z')
    const read = reader()
    expect((await read()).credentials.authorization).toBe('Bearer t1')
    expect((await read()).credentials.authorization).toBe('Bearer t1')
    now = Date.parse('2026-01-01T00:59:30Z')
    expect((await read()).credentials.authorization).toBe('Bearer t2')
    now = Date.parse('2026-01-01T00:00:00Z')
    expect((await read()).credentials.authorization).toBe('Bearer t2')
    read.refused()
    expect((await read()).credentials.authorization).toBe('Bearer t3')
  })

  it('that fails is told with what it complained of', async () => {
    write({ exec: { command: 'sh', args: ['-c', 'echo no session >&2; exit 3'] } })
    await expect(reader()()).rejects.toThrow('credential plugin "sh" failed: no session')
  })
})

describe('in a Pod', () => {
  it('the service account is used, and its token read anew every time', async () => {
    const serviceAccount = join(folder, 'sa')
    mkdirSync(serviceAccount)
    const files = { token: 'one\n', 'ca.crt': 'CA', namespace: 'clinic' }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(serviceAccount, name), text)
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
    const read = accessReader({ options: {}, env, now: () => now, serviceAccount })
    expect(await read()).toMatchObject({
      namespace: 'clinic',
      words: "the Pod's service account",
      credentials: { ca: 'CA', verify: true, authorization: 'Bearer one' },
    })
    expect((await read()).server.href).toBe('https://[fd00::1]/')
    writeFileSync(join(serviceAccount, 'token'), 'two')
    expect((await read()).credentials.authorization).toBe('Bearer two')
  })

  it('without a service account says what is missing', async () => {
    const read = accessReader({
      options: {},
      env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
      now: () => now,
      serviceAccount: folder,
    })
    await expect(read()).rejects.toThrow("the service account's token cannot be read: ENOENT")
  })
})
