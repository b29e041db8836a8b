import { dirname, resolve } from 'node:path'
import { CORE_SCHEMA, load, YAMLException } from 'js-yaml'
import type { Environment } from '../../../kernel/environment.ts'
import { own } from '../../../kernel/own.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'
import type { Access, Credentials } from './access.ts'
import { type PluginCredentials, pluginCredentials } from './plugin.ts'
import { readText } from './text-file.ts'

export type KubeconfigOptions = {
  /** Undefined: the file's current context. */
  readonly context: string | undefined
  readonly env: Environment
  readonly now: () => number
  /** What plugins gave, until it expires. */
  readonly kept: Map<string, PluginCredentials>
}

/** One context of a kubeconfig. Rejects with a message that says what of the file is missing or not understood. */
export async function readKubeconfig(file: string, options: KubeconfigOptions): Promise<Access> {
  const document = await readDocument(file)
  const name = options.context ?? textOf(own(document, 'current-context'))
  if (name === '') throw new Error(`kubeconfig ${file} has no current-context; write kubernetes.context`)
  const pick = (list: string, key: string, named: string) => entryOf(document, list, key, named, file)
  const context = pick('contexts', 'context', name)
  const cluster = pick('clusters', 'cluster', textOf(own(context, 'cluster')))
  const userName = textOf(own(context, 'user'))
  const user = userName === '' ? {} : pick('users', 'user', userName)
  const server = textOf(own(cluster, 'server'))
  if (!URL.canParse(server)) throw new Error(`kubeconfig ${file}: cluster of context "${name}" has no usable server`)
  if (own(cluster, 'proxy-url') !== undefined) {
    throw new Error(`kubeconfig ${file}: context "${name}" wants a proxy (proxy-url), which is not supported`)
  }
  return {
    server: new URL(server),
    namespace: textOf(own(context, 'namespace')) || 'default',
    words: `context "${name}" of ${file}`,
    credentials: { ...(await clusterTrust(cluster, file)), ...(await userProof(user, file, options)) },
  }
}

async function readDocument(file: string): Promise<JsonObject> {
  const text = await readText(file, `kubeconfig ${file}`).catch((error: Error) => {
    throw new Error(`${error.message}; outside of a Pod, name one in kubernetes.kubeconfig or $KUBECONFIG`)
  })
  try {
    return objectOf(load(text, { schema: CORE_SCHEMA }))
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    // Its whole message quotes the lines around the place, which may hold a token.
    const place = error.mark === undefined ? file : `${file}:${error.mark.line + 1}`
    throw new Error(`kubeconfig ${place} is no YAML: ${error.reason}`)
  }
}

function entryOf(document: JsonObject, list: string, key: string, name: string, file: string): JsonObject {
  const entries = arrayOf(own(document, list)).filter(isObject)
  const found = entries.find((entry) => own(entry, 'name') === name)
  if (found !== undefined) return objectOf(own(found, key))
  const known = entries.map((entry) => textOf(own(entry, 'name'))).join(', ')
  throw new Error(`kubeconfig ${file} has no ${key} "${name}"; known: ${known || 'none'}`)
}

type Trust = Pick<Credentials, 'ca' | 'verify' | 'servername'>

async function clusterTrust(cluster: JsonObject, file: string): Promise<Trust> {
  const ca = await pem(cluster, 'certificate-authority', file)
  const servername = textOf(own(cluster, 'tls-server-name'))
  return {
    verify: own(cluster, 'insecure-skip-tls-verify') !== true,
    ...(ca === undefined ? {} : { ca }),
    ...(servername === '' ? {} : { servername }),
  }
}

type Proof = Pick<Credentials, 'cert' | 'key' | 'authorization'>

async function userProof(user: JsonObject, file: string, options: KubeconfigOptions): Promise<Proof> {
  const exec = own(user, 'exec')
  if (isObject(exec)) return pluginCredentials(exec, { ...options, folder: dirname(file) })
  if (own(user, 'auth-provider') !== undefined) {
    throw new Error(`kubeconfig ${file}: auth-provider is not supported; use exec, a token or a client certificate`)
  }
  const cert = await pem(user, 'client-certificate', file)
  const key = await pem(user, 'client-key', file)
  const authorization = await authorizationOf(user, file)
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(authorization === undefined ? {} : { authorization }),
  }
}

// As kubectl does: a token's file goes before the token, which goes before user and password.
async function authorizationOf(user: JsonObject, file: string): Promise<string | undefined> {
  const tokenFile = textOf(own(user, 'tokenFile'))
  if (tokenFile !== '') return `Bearer ${(await readText(resolve(dirname(file), tokenFile), 'the token')).trim()}`
  const token = textOf(own(user, 'token'))
  if (token !== '') return `Bearer ${token}`
  const name = textOf(own(user, 'username'))
  if (name === '') return undefined
  return `Basic ${Buffer.from(`${name}:${textOf(own(user, 'password'))}`).toString('base64')}`
}

/** `KEY-data` in base64, or the file that `KEY` names. */
async function pem(entry: JsonObject, key: string, file: string): Promise<string | Buffer | undefined> {
  const data = textOf(own(entry, `${key}-data`))
  if (data !== '') return Buffer.from(data, 'base64')
  const path = textOf(own(entry, key))
  return path === '' ? undefined : readText(resolve(dirname(file), path), `${key} of kubeconfig ${file}`)
}
