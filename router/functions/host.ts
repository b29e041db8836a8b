import { dirname, relative } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import type { Environment } from '../kernel/environment.ts'
import type { Log } from '../kernel/log.ts'
import type { FunctionFeed } from '../model/functions.ts'
import { type Bundle, type Bundled, type FunctionFolder, stopBundling, wrapperCode } from './bundle.ts'
import { Hosted, type HostedFunction, type Watchdog } from './hosted.ts'
import { type FunctionAddress, type Started, startInstance, type Thrown } from './instance.ts'
import { boundedOutput, type OutputLine } from './output.ts'
import { type AwaitDrained, createRetirement, type Retirement } from './retirement.ts'
import { FolderSync } from './sync.ts'

/** Runs every function of a folder in a workerd of its own and keeps up with the files. */
export type FunctionHost = Omit<FunctionFeed, 'state'> & {
  /** Resolves when every function that is there serves or was refused; watches the folder from then on. */
  start(): Promise<void>
  /** Sorted by name; undefined until the folder was read for the first time. */
  state(): readonly HostedFunction[] | undefined
  /** Where each function is now, by the symbol that a plan names it with; an empty list: nowhere. */
  addresses(): Readonly<Record<string, readonly FunctionAddress[]>>
  /** The last lines that a function printed, errors it threw among them; oldest first. */
  logs(name: string): readonly OutputLine[]
  /** Ends every workerd, at once: drain first. */
  close(): Promise<void>
}

export type FunctionHostOptions = {
  /** Absolute path; it may come and go. */
  readonly folder: string
  /** What `${NAME}` in function.yaml means. */
  readonly env: Environment
  readonly log: Log
  readonly clock: Clock
  /** After every change of `state` or `addresses`: publish the addresses. */
  onChange(): void
  /** A workerd was started; keep it on record until `onGone`, so that it does not outlive the router. */
  onProcess(pid: number, name: string): void
  onGone(pid: number): void
  /** Called right after `onChange` with the addresses that are no longer in `addresses()`. */
  readonly awaitDrained: AwaitDrained
  readonly watchdog?: Watchdog
}

/** Makes a host; nothing happens before `start`. */
export function createFunctionHost(options: FunctionHostOptions): FunctionHost {
  return new Host(options)
}

const WATCHDOG: Watchdog = { intervalMs: 2_000, deadlineMs: 5_000 }
const LOG_LINES = 500

type Entry = { folder: FunctionFolder; readonly hosted: Hosted; readonly lines: OutputLine[] }

class Host implements FunctionHost {
  readonly #options: FunctionHostOptions
  readonly #sync: FolderSync
  readonly #retirement: Retirement
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<() => void>()
  /** Updates and removals under way. */
  readonly #pending = new Set<Promise<void>>()
  #wrapper: Promise<string> | undefined
  #read = false
  #closed = false

  constructor(options: FunctionHostOptions) {
    this.#options = options
    this.#retirement = createRetirement(options)
    this.#sync = new FolderSync({
      ...options,
      listed: (folders) => this.#listed(folders),
      bundled: (folder, bundled) => this.#bundled(folder, bundled),
    })
  }

  async start(): Promise<void> {
    await this.#sync.start()
    await Promise.all(this.#pending)
  }

  state(): readonly HostedFunction[] | undefined {
    if (!this.#read) return undefined
    const root = dirname(this.#options.folder)
    return [...this.#entries.values()]
      .map(({ folder, hosted }) => ({ ...hosted.state(), source: relative(root, folder.entry) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  changed(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  addresses(): Readonly<Record<string, readonly FunctionAddress[]>> {
    const all = (this.state() ?? []).map(({ name, address }) => [name, address === undefined ? [] : [address]] as const)
    return Object.fromEntries(all)
  }

  logs(name: string): readonly OutputLine[] {
    return [...(this.#entries.get(name)?.lines ?? [])]
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#sync.close()
    await Promise.all([...this.#entries.values()].map(({ hosted }) => hosted.close()))
    await Promise.all(this.#pending)
    await this.#retirement.close()
    if (this.#wrapper !== undefined) await stopBundling()
  }

  #listed(folders: readonly FunctionFolder[]): void {
    const names = new Set(folders.map(({ name }) => name))
    let changed = !this.#read
    this.#read = true
    for (const [name, { hosted }] of this.#entries) {
      if (names.has(name)) continue
      this.#entries.delete(name)
      this.#options.log.info(`${name}: its folder is gone; it serves nothing any more`)
      this.#track(hosted.remove())
      changed = true
    }
    for (const folder of folders) {
      const known = this.#entries.get(folder.name)
      if (known !== undefined) known.folder = folder
      else this.#entries.set(folder.name, this.#entry(folder))
      changed ||= known === undefined
    }
    if (changed) this.#announce()
  }

  #bundled(folder: FunctionFolder, bundled: Bundled): void {
    const entry = this.#entries.get(folder.name)
    if (entry !== undefined) this.#track(entry.hosted.update(bundled))
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
  }

  #announce(): void {
    if (this.#closed) return
    this.#options.onChange()
    for (const listener of this.#listeners) listener()
  }

  #entry(folder: FunctionFolder): Entry {
    const { clock, log, watchdog = WATCHDOG } = this.#options
    const { name } = folder
    const lines: OutputLine[] = []
    const own = log.child({ function: name })
    const keep = boundedOutput(clock, (line) => {
      lines.push(line)
      if (lines.length > LOG_LINES) lines.shift()
      if (line.stream === 'stdout') own.info(line.text)
      else own.warn(line.text)
    })
    const print = (stream: OutputLine['stream'], text: string): void => keep({ at: clock.now(), stream, text })
    const launch = (bundle: Bundle, signal: AbortSignal): Promise<Started> => this.#launch(name, bundle, signal, print)
    const changed = (): void => this.#announce()
    const hosted = new Hosted({ name, clock, log, watchdog, retirement: this.#retirement, launch, changed })
    return { folder, hosted, lines }
  }

  async #launch(name: string, bundle: Bundle, signal: AbortSignal, print: Print): Promise<Started> {
    const { clock, onProcess, onGone } = this.#options
    try {
      this.#wrapper ??= wrapperCode()
      return await startInstance({
        bundle,
        wrapper: await this.#wrapper,
        clock,
        signal,
        printed: print,
        threw: (thrown) => print('stderr', inWords(thrown)),
        onProcess: (pid) => onProcess(pid, `${name}@${bundle.revision}`),
        onGone,
      })
    } catch (error) {
      return { kind: 'failed', failure: error instanceof Error ? error.message : String(error) }
    }
  }
}

type Print = (stream: OutputLine['stream'], text: string) => void

function inWords({ name, message, method, path, place, stack }: Thrown): string {
  const where = place === undefined ? '' : ` at ${place}`
  return `${method} ${path} threw ${name}: ${message}${where}\n${stack}`
}
