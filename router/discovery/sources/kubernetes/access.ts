import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Environment } from '../../../kernel/environment.ts'
import { readKubeconfig } from './kubeconfig.ts'
import type { KubernetesOptions } from './options.ts'
import type { PluginCredentials } from './plugin.ts'
import { readText } from './text-file.ts'

/** How to reach an API server, and who asks. */
export type Access = {
  readonly server: URL
  /** Namespace of what names none. */
  readonly namespace: string
  /** Whose credentials these are, in words. */
  readonly words: string
  readonly credentials: Credentials
}

/** What a request carries: TLS material as PEM, and the value of its Authorization field. */
export type Credentials = {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  /** False: any certificate of the server is taken, as the kubeconfig asks. */
  readonly verify: boolean
  readonly authorization?: string
}

/** Reads how to reach the API server; rejects with a message for people. */
export type ReadAccess = {
  (): Promise<Access>
  /** The server no longer takes the credentials: what was kept of them is forgotten. */
  refused(): void
}

export type AccessOptions = {
  readonly options: Pick<KubernetesOptions, 'kubeconfig' | 'context'>
  readonly env: Environment
  readonly now: () => number
  /** Folder with what a Pod is given of its service account. */
  readonly serviceAccount?: string
}

/**
 * The kubeconfig that the YAML names; without one the Pod's own service account, and outside of Pods `$KUBECONFIG` or
 * `~/.kube/config`. Files are read at every call: a rotated token or certificate is used by the next request.
 */
export function accessReader({ options, env, now, serviceAccount = SERVICE_ACCOUNT }: AccessOptions): ReadAccess {
  const kept = new Map<string, PluginCredentials>()
  const read = (): Promise<Access> => {
    const inPod = env.KUBERNETES_SERVICE_HOST !== undefined
    if (options.kubeconfig === undefined && options.context === undefined && inPod)
      return inCluster(env, serviceAccount)
    const file = options.kubeconfig ?? usualKubeconfig(env)
    return readKubeconfig(file, { context: options.context, env, now, kept })
  }
  return Object.assign(read, { refused: () => kept.clear() })
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

async function inCluster(env: Environment, folder: string): Promise<Access> {
  const [token, ca, namespace] = await Promise.all([
    readText(join(folder, 'token'), "the service account's token"),
    readText(join(folder, 'ca.crt'), "the cluster's CA certificate"),
    readFile(join(folder, 'namespace'), 'utf8').catch(() => 'default'),
  ])
  const host = env.KUBERNETES_SERVICE_HOST ?? ''
  const port = env.KUBERNETES_SERVICE_PORT ?? '443'
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: namespace.trim(),
    words: "the Pod's service account",
    credentials: { ca, verify: true, authorization: `Bearer ${token.trim()}` },
  }
}

/** The first file of `$KUBECONFIG`; several are not merged. */
function usualKubeconfig(env: Environment): string {
  const first = env.KUBECONFIG?.split(delimiter).find((path) => path !== '')
  return first ?? join(env.HOME ?? homedir(), '.kube', 'config')
}
