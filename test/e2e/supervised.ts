import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { type Agent, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FromSupervisor, ToSupervisor } from '../../router/model/link.ts'
import type { ConnectedProcess } from '../../router/publish/publisher.ts'
import type { ControlCommand } from './fixtures/control.ts'

/** A supervisor with fixture children, as a test sees it from outside. */
export type Supervised = {
  readonly folder: string
  readonly supervisor: ChildProcess
  /** Everything the processes logged so far. */
  log(): string
  /** Resolves with exit code or signal. */
  readonly ended: Promise<number | string>
  /** Asks the control process that runs now. */
  ask(command: ControlCommand): Promise<unknown>
  heard<Kind extends FromSupervisor['kind']>(kind: Kind): Promise<Extract<FromSupervisor, { kind: Kind }>[]>
  connected(): Promise<readonly ConnectedProcess[]>
  controlPid(): number
  port(): Promise<number>
  statusPort(): Promise<number>
  pids(): Promise<readonly number[]>
  /** Ends every process that is left. */
  end(): Promise<void>
}

export type ServeMessage = Extract<ToSupervisor, { kind: 'serve' }>

export function serveMessage(folder: string, changes: Partial<ServeMessage> = {}): ServeMessage {
  const local = { host: '127.0.0.1', port: 0 }
  return {
    kind: 'serve',
    listen: [local],
    status: local,
    processes: 2,
    folder,
    graceMs: 3_000,
    lameDuckMs: 0,
    ...changes,
  }
}

export function stateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'banyan-supervised-'))
}

/** Starts one. It serves once `ready` resolves; a start that fails only ends. */
export function supervise(folder: string, changes: Partial<ServeMessage> = {}): Supervised {
  const script = join(import.meta.dirname, 'fixtures', 'supervised.ts')
  const supervisor = spawn(process.execPath, [script, JSON.stringify(serveMessage(folder, changes))], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const started = new Set<number>()
  for (const stream of [supervisor.stdout, supervisor.stderr]) stream?.on('data', (chunk) => (text += String(chunk)))
  const ended = new Promise<number | string>((resolve) => {
    supervisor.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })

  const controlPid = (): number => {
    const children = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8').trim().split(' ')
    const found = children.map(Number).find((pid) => commandLine(pid).includes('fixtures/control'))
    if (found === undefined) throw new Error('no control process runs')
    return found
  }
  const ask = (command: ControlCommand): Promise<unknown> =>
    eventually(() => sayTo(`${folder}/command-${controlPid()}.sock`, command))
  const heard: Supervised['heard'] = async (kind) => {
    const messages = (await ask({ kind: 'heard' })) as FromSupervisor[]
    for (const message of messages) if (message.kind === 'listening') for (const pid of message.pids) started.add(pid)
    return messages.filter((message) => message.kind === kind) as never
  }
  const listening = (): Promise<Extract<FromSupervisor, { kind: 'listening' }>> =>
    eventually(async () => defined((await heard('listening')).at(-1)))
  const connected = async () => (await ask({ kind: 'connected' })) as ConnectedProcess[]

  return {
    folder,
    supervisor,
    log: () => text,
    ended,
    ask,
    heard,
    connected,
    controlPid,
    port: async () => defined((await listening()).listen[0]).port,
    statusPort: async () => (await listening()).status.port,
    pids: async () => (await connected()).map(({ pid }) => pid),
    async end() {
      supervisor.kill('SIGKILL')
      await ended
      await eventually(() => {
        if ([...started].some((pid) => commandLine(pid).includes('fixtures/dataplane')))
          throw new Error('still running')
      })
    },
  }
}

export type Answer = { readonly status: number; readonly body: string }

/** One request on a connection of its own, unless an agent is given. */
export function get(port: number, path = '/', agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent }, (response) => {
      let body = ''
      response.on('data', (chunk) => (body += String(chunk)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Tries until it does not throw; the last error after ten seconds. */
export async function eventually<T>(attempt: () => T | Promise<T>, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Empty where no such process runs. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

export function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value')
  return value
}

function sayTo(path: string, command: ControlCommand): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('control went away')))
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (!text.endsWith('\n')) return
      resolve(JSON.parse(text))
      socket.destroy()
    })
    socket.write(`${JSON.stringify(command)}\n`)
  })
}
