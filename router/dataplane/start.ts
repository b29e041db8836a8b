import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { createJsonLog } from '../kernel/json-log.ts'
import type { Log } from '../kernel/log.ts'
import { statePaths } from '../kernel/state-paths.ts'
import { tallyOf } from '../kernel/tally.ts'
import type { DataplaneOrder, DataplaneToSupervisor } from '../model/link.ts'
import { runDataplane, type Servable } from './run.ts'
import { createTurns, type Turns } from './turns.ts'

/** What the request path is made of; everything real, given once. */
export type Ingredients = {
  readonly clock: Clock
  random(): number
  randomBytes(count: number): Buffer
  readonly log: Log
  /** Signs cookies; the same in every process of the router. */
  readonly signingKey: Buffer
  /** Absent: nobody else accepts from the same sockets. */
  readonly turns: Turns | undefined
}

/** Makes this process a data-plane process. Ends it when everything in flight is finished. */
export async function startProcess(create: (ingredients: Ingredients) => Servable): Promise<never> {
  // A Ctrl-C reaches every process of the router; the supervisor says who ends when.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // Whoever read our log may be gone; traffic is served on.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})

  const order: DataplaneOrder = JSON.parse(process.argv[2] ?? '')
  const log = createJsonLog({
    write: (line) => process.stdout.write(line),
    now: systemClock.now,
    pretty: process.stdout.isTTY === true,
    fields: { process: 'dataplane', pid: process.pid },
  })
  const signingKey = readSigningKey(order, log)
  const turns = turnsOf(order)
  const dataplane = create({ clock: systemClock, random: Math.random, randomBytes, log, signingKey, turns })
  // Compiled code is kept now: a process that is killed, or runs for weeks, would never write it.
  systemClock.after(FLUSH_MS, flushCompileCache)
  await runDataplane({ order, dataplane, turns, self: process, clock: systemClock, log })
  process.exit(0)
}

const FLUSH_MS = 1_000

function turnsOf({ turns: given }: DataplaneOrder): Turns | undefined {
  if (given === undefined) return undefined
  const { fd, place, places } = given
  const look: DataplaneToSupervisor = { kind: 'look' }
  const wake = (): void => void process.send?.(look, undefined, undefined, () => {})
  return createTurns({ tally: tallyOf(fd, places), place, clock: systemClock, soon: setImmediate, wake })
}

/** Control has made it before we were started; where it could not, the supervisor's key is the same for all of us. */
function readSigningKey({ folder }: DataplaneOrder, log: Log): Buffer {
  const path = statePaths(folder).signingKey
  try {
    const key = readFileSync(path)
    if (key.length >= KEY_BYTES) return key
  } catch {
    // Said below.
  }
  log.warn(`${path} cannot be read; cookies are signed with a key that lasts until the router ends`)
  const given = Buffer.from(process.env.BANYAN_RUN_KEY ?? '', 'hex')
  return given.length >= KEY_BYTES ? given : randomBytes(KEY_BYTES)
}

const KEY_BYTES = 32
