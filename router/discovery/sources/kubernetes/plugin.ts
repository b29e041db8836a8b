import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import type { Environment } from '../../../kernel/environment.ts'
import { own } from '../../../kernel/own.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'
import type { Credentials } from './access.ts'

/** What a plugin gave, and until when (wall time in ms) it is good. */
export type PluginCredentials = {
  readonly proof: Pick<Credentials, 'cert' | 'key' | 'authorization'>
  readonly until: number
}

export type PluginOptions = {
  /** Folder of the kubeconfig: a command with a slash is relative to it. */
  readonly folder: string
  readonly env: Environment
  readonly now: () => number
  readonly kept: Map<string, PluginCredentials>
}

/**
 * Runs the credential plugin of a kubeconfig (`exec:`), as managed clusters need it, without a terminal. Its word is
 * kept until a minute before it expires.
 */
export async function pluginCredentials(exec: JsonObject, options: PluginOptions): Promise<PluginCredentials['proof']> {
  const { now, kept } = options
  const id = JSON.stringify(exec)
  const known = kept.get(id)
  if (known !== undefined && known.until > now()) return known.proof
  const command = textOf(own(exec, 'command'))
  const status = objectOf(own(objectOf(parse(await run(exec, command, options), command)), 'status'))
  const token = textOf(own(status, 'token'))
  const cert = textOf(own(status, 'clientCertificateData'))
  const key = textOf(own(status, 'clientKeyData'))
  const proof = {
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(cert === '' ? {} : { cert, key }),
  }
  const expires = Date.parse(textOf(own(status, 'expirationTimestamp')))
  kept.set(id, { proof, until: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires - EARLY_MS })
  return proof
}

const EARLY_MS = 60_000
const PLUGIN_TIMEOUT_MS = 30_000

function run(exec: JsonObject, command: string, { folder, env }: PluginOptions): Promise<string> {
  const args = arrayOf(own(exec, 'args')).map(String)
  const extra = arrayOf(own(exec, 'env'))
    .filter(isObject)
    .map((one) => [textOf(own(one, 'name')), textOf(own(one, 'value'))] as const)
  const asked = { apiVersion: own(exec, 'apiVersion'), kind: 'ExecCredential', spec: { interactive: false } }
  const environment = { ...env, ...Object.fromEntries(extra), KUBERNETES_EXEC_INFO: JSON.stringify(asked) }
  const program = /[/\\]/.test(command) ? resolve(folder, command) : command
  return new Promise((done, fail) => {
    execFile(
      program,
      args,
      { env: environment, timeout: PLUGIN_TIMEOUT_MS, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) return done(stdout)
        // Its standard output may hold a credential; what it complains of is on the other.
        const [why = ''] = stderr.trim().split('\n')
        fail(new Error(`credential plugin "${command}" failed: ${why || (error.code ?? error.message)}`))
      },
    )
  })
}

function parse(text: string, command: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`credential plugin "${command}" did not print an ExecCredential`)
  }
}
