import { isIP } from 'node:net'
import type { z } from 'zod'
import type { Address, AdminToken, ListenerSpec, Spec } from '../model/spec.ts'
import { absoluteReference } from './paths.ts'
import type { Path, Reading } from './reading.ts'
import { decodeListener, listenerKeys } from './tls.ts'
import { bindHost, list, map, oneOf, port, Refused, someText, textKind } from './values.ts'

/** `listen`, `admin`, `status`: the sockets of the router itself. */

const address = {
  port: port.describe('TCP port; 0 takes any free one'),
  host: bindHost.optional().describe('Address to bind; listen and status: all addresses, admin: 127.0.0.1'),
}

const token = map({
  name: textKind('a name of letters, digits and . _ -', (text) => {
    if (!/^[\w.-]{1,64}$/.test(text)) throw new Refused()
    return text
  }).describe('Who this is, as the ledger writes it'),
  token: someText(`text: \${NAME} from the environment or file:PATH`).describe(
    `The secret itself, as \${NAME} from the environment or file:PATH, never written out`,
  ),
  role: oneOf(['read', 'operate']).describe('read: look only; operate: shifts and reload too'),
})

const listenEntry = map({ ...address, ...listenerKeys })

export const listenSchema = list(listenEntry, 'addresses such as { port: 8080 }')
  .optional()
  .describe('Where requests come in')
  .meta({ default: [{ port: 8080 }] })

export const adminSchema = map({
  ...address,
  port: address.port.optional().describe('TCP port of the admin API and the console'),
  tokens: list(token, 'tokens').optional().describe('Who may use the admin API; needed where host is not loopback'),
})
  .optional()
  .describe('The admin API and the console')
  .meta({ default: { port: 9080, host: '127.0.0.1' } })

export const statusSchema = map({ ...address, port: address.port.optional().describe('TCP port of the status pages') })
  .optional()
  .describe('/healthz, /readyz and /metrics')
  .meta({ default: { port: 9081 } })

/** The three of them, with defaults; what is wrong is reported. */
export function decodeListening(reading: Reading): Pick<Spec, 'listen' | 'admin' | 'status'> {
  const admin = decodeAdmin(reading, reading.decode(adminSchema, ['admin']) ?? {})
  const status = reading.decode(statusSchema, ['status']) ?? {}
  const decoded = {
    listen: decodeListen(reading),
    admin,
    status: toAddress({ ...status, port: status.port ?? 9081 }),
  }
  reportClashes(reading, decoded)
  return decoded
}

/** Entry by entry, so that a broken one does not hide that the ports of two others clash. */
function decodeListen(reading: Reading): readonly ListenerSpec[] {
  const node = reading.nodeAt(['listen'])
  if (node?.kind !== 'list' || node.items.length === 0) {
    return (reading.decode(listenSchema, ['listen']) ?? [{ port: 8080 }]).map(toAddress)
  }
  return node.items
    .keys()
    .map((index) => {
      const path = ['listen', index]
      const written = reading.decode(listenEntry, path)
      return written === undefined
        ? toAddress({ port: 0 })
        : { ...toAddress(written), ...decodeListener(reading, written, path) }
    })
    .toArray()
}

function toAddress(written: { port: number; host?: string | undefined }): Address {
  return { host: written.host, port: written.port }
}

function decodeAdmin(reading: Reading, written: NonNullable<z.output<typeof adminSchema>>): Spec['admin'] {
  const tokens = (written.tokens ?? []).map((entry, index) => decodeToken(reading, entry, index))
  const host = written.host ?? '127.0.0.1'
  for (const [index, { name }] of tokens.entries()) {
    const first = tokens.findIndex((other) => other.name === name)
    if (first < index) {
      const path = ['admin', 'tokens', index, 'name']
      reading.report({ code: 'duplicate-token', path, message: `the name is taken by admin.tokens[${first}]` })
    }
  }
  if (!isLoopback(host) && reading.nodeAt(['admin', 'tokens']) === undefined) {
    reading.report({
      code: 'open-admin',
      path: ['admin', 'host'],
      message: `the admin API on ${reading.shown(['admin', 'host'])} would be open to everybody`,
      hint: `add tokens: [{ name: ci, token: file:/run/secrets/banyan, role: operate }], or remove host`,
    })
  }
  return { host, port: written.port ?? 9080, tokens }
}

function decodeToken(reading: Reading, written: AdminToken, index: number): AdminToken {
  const path: Path = ['admin', 'tokens', index, 'token']
  const node = reading.nodeAt(path)
  const reference = absoluteReference(reading.file, written.token)
  if (reference === undefined && node?.kind === 'scalar' && !node.substituted) {
    reading.report({
      severity: 'warning',
      code: 'secret-in-file',
      path,
      message: 'the token is written out in this file',
      hint: `use \${NAME} from the environment, or file:PATH`,
    })
  }
  return { name: written.name, role: written.role, token: reference ?? written.token }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Two sockets of one port, unless they are bound to different addresses. */
function reportClashes(reading: Reading, decoded: Pick<Spec, 'listen' | 'admin' | 'status'>): void {
  const sockets: { path: Path; name: string; address: Address }[] = decoded.listen.map((entry, index) => ({
    path: ['listen', index],
    name: `listen[${index}]`,
    address: entry,
  }))
  sockets.push({ path: ['admin'], name: 'admin', address: decoded.admin })
  sockets.push({ path: ['status'], name: 'status', address: decoded.status })
  for (const [index, socket] of sockets.entries()) {
    const earlier = sockets.slice(0, index).find((other) => clash(other.address, socket.address))
    if (earlier === undefined) continue
    const written = reading.nodeAt([...socket.path, 'port']) !== undefined
    const [here, other] = written ? [socket, earlier] : [earlier, socket]
    const message = `port ${here.address.port} is taken by ${other.name} already`
    const path = [...here.path, 'port']
    reading.report({ code: 'port-clash', path, message, hint: 'give each a port of its own' })
  }
}

function clash(left: Address, right: Address): boolean {
  if (left.port !== right.port || left.port === 0) return false
  return left.host === right.host || [left.host, right.host].some((host) => host === undefined || host === '0.0.0.0')
}
