/**
 * A real Kubernetes API server for tests: etcd, kube-apiserver and kube-controller-manager on loopback. There is no
 * kubelet, so Pods are objects, whose readiness a test writes; they may have loopback addresses, and so answer.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from './estate.ts'

export type KubernetesOptions = {
  /** Folder of the three programs. */
  readonly programs: string
  /** Folder for data, certificates and logs; the caller deletes it. */
  readonly folder: string
  /** Whether the controllers that make EndpointSlices of Services and Pods run. */
  readonly controllers?: boolean
  /** Whether the server answers from memory; without it a watch expires as soon as etcd has forgotten its beginning. */
  readonly watchCache?: boolean
}

export type KubernetesServer = {
  readonly port: number
  /** PEM of what proves the server to be itself. */
  readonly ca: string
  /** A kubeconfig for all that there is. */
  readonly kubeconfig: string
  /** Asks as an administrator; throws where the answer is no success. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Ends the API server as a crash does; etcd keeps what it knew. */
  kill(): Promise<void>
  /** Starts it again, on the same port. */
  revive(): Promise<void>
  /** Makes watches that began before now expire, as the passing of time does. */
  compact(): Promise<void>
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of the API's own documentation.
export type Answer = any

const ADMIN = 'tok123'

export async function startKubernetes(options: KubernetesOptions): Promise<KubernetesServer> {
  const { programs, folder, controllers = true, watchCache = true } = options
  mkdirSync(folder, { recursive: true })
  const [etcdPort = 0, peerPort = 0, port = 0, controllerPort = 0] = await freePorts(4)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = join(folder, 'sa.key')
  writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  writeFileSync(join(folder, 'tokens.csv'), `${ADMIN},admin,uid1,"system:masters"\n`)
  const run = (program: string, args: readonly string[]) =>
    spawn(join(programs, program), args, { stdio: 'ignore', cwd: folder })

  const etcd = `http://127.0.0.1:${etcdPort}`
  const peer = `http://127.0.0.1:${peerPort}`
  const store = run('etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    '--unsafe-no-fsync',
  ])
  const certificates = join(folder, 'certificates')
  const startServer = () =>
    run('kube-apiserver', [
      `--etcd-servers=${etcd}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${port}`, '--insecure-port=0', `--cert-dir=${certificates}`],
      ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
      `--service-account-issuer=https://127.0.0.1:${port}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount'],
      `--watch-cache=${watchCache}`,
      ...['--endpoint-reconciler-type=none', '--advertise-address=127.0.0.1', '--service-cluster-ip-range=10.0.0.0/24'],
    ])
  let server = startServer()
  const children: ChildProcess[] = [store]

  const ask: KubernetesServer['ask'] = (method, path, body) => asked({ port, method, path, body })
  async function ready(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if ((await ask('GET', '/readyz').catch(() => undefined)) !== undefined) return
      await delay(100)
    }
    throw new Error(`the API server was not ready within 30 s; see ${folder}`)
  }
  await ready()
  const ca = readFileSync(join(certificates, 'apiserver.crt'), 'utf8')
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigText(port, ca))
  if (controllers) {
    children.push(
      run('kube-controller-manager', [
        ...[
          `--kubeconfig=${kubeconfig}`,
          '--controllers=endpoint,endpointslice,garbagecollector',
          '--leader-elect=false',
        ],
        ...[
          '--bind-address=127.0.0.1',
          `--secure-port=${controllerPort}`,
          '--port=0',
          `--cert-dir=${join(folder, 'cm')}`,
        ],
      ]),
    )
  }

  return {
    port,
    ca,
    kubeconfig,
    ask,
    kill: () => ended(server, 'SIGKILL'),
    async revive() {
      server = startServer()
      await ready()
    },
    compact: () => compact(etcd),
    async close() {
      await Promise.all([server, ...children].map((child) => ended(child, 'SIGKILL')))
    },
  }
}

/** A kubeconfig for a server on loopback; `token` as in its tokens. */
export function kubeconfigText(port: number, ca: string, token = ADMIN): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'test', user: { token } }],
  })
}

type Question = { readonly port: number; readonly method: string; readonly path: string; readonly body: unknown }

// The certificate is not known before the server has made it, and nobody else listens on this port of loopback.
function asked({ port, method, path, body }: Question): Promise<Answer> {
  const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json'
  const text = body === undefined ? '' : JSON.stringify(body)
  // A DELETE has no length by itself, and what it says would be taken for the next request.
  const length = { 'content-length': Buffer.byteLength(text) }
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': type, ...length }
  return new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, rejectUnauthorized: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', fail)
      response.on('end', () => {
        const answer = Buffer.concat(pieces).toString('utf8')
        const { statusCode = 0 } = response
        if (statusCode >= 300) fail(new Error(`${method} ${path}: ${statusCode} ${answer.slice(0, 500)}`))
        else done(answer.startsWith('{') ? JSON.parse(answer) : answer)
      })
    })
    sent.on('error', fail)
    sent.setTimeout(10_000, () => sent.destroy(new Error(`${method} ${path}: no answer within 10 s`)))
    sent.end(text)
  })
}

/** What the API server does every five minutes, at once: whoever asks for what happened before now is told 410. */
async function compact(etcd: string): Promise<void> {
  const range = await post(`${etcd}/v3/kv/range`, { key: Buffer.from('x').toString('base64') })
  await post(`${etcd}/v3/kv/compaction`, { revision: range.header.revision, physical: true })
}

async function post(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  return response.json()
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((done) => {
    child.once('exit', () => done())
    child.kill(signal)
  })
}
