import type { ShiftView } from '../admin/views.ts'
import type { Drift } from '../catalogue/drift.ts'
import type { LedgerEntry } from '../model/shift.ts'
import { findShift } from '../shift/find.ts'
import type { Outcome } from '../shift/outcome.ts'
import { percent, describe as stageOf } from '../shift/stages.ts'
import { ask } from './ask.ts'
import { ADMIN_OPTIONS, ADMIN_USAGE, type AdminClient } from './client.ts'
import { describeDrift } from './drift.ts'
import { duration, table } from './table.ts'
import { type CommandIo, textOption, UsageError, type Verb, type VerbArgs } from './verb.ts'

/** Moves a route from its incumbent to a candidate, step by step, and back at once. */
export const shift: Verb = {
  name: 'shift',
  summary: 'moves a route from one upstream to another, step by step, and back at once',
  usage: 'shift start|list|show|promote|abort|retry|history|undo [NAME] [--to …] [--json]',
  example: 'banyan shift start "GET /vets.html"',
  help: `  start NAME [--to UPSTREAM]   begins at the first step; NAME is a route's id or an operation
  list                         every shift and where it stands
  show NAME                    one of them
  promote NAME [--to 25%]      to the next step, or to this share; shares only rise
  abort NAME                   everything back to the incumbent, now; waits until every process obeys
  retry NAME                   begins again after an abort
  history [NAME]               every change on record: who, when, from, to
  undo                         takes back the newest change that was not taken back yet
${ADMIN_USAGE}`,
  positionals: 2,
  options: { ...ADMIN_OPTIONS, to: { type: 'string' } },
  run(args, io) {
    const [action, name, ...rest] = args.positionals
    if (rest.length > 0) throw new UsageError(`one NAME, in quotes: "${[name, ...rest].join(' ')}"`)
    const handler = ACTIONS.get(action ?? '')
    if (handler === undefined) throw new UsageError(`shift ${action ?? ''}: what? ${[...ACTIONS.keys()].join(', ')}`)
    return handler(args, io, name)
  },
}

type Action = (args: VerbArgs, io: CommandIo, name: string | undefined) => Promise<number>

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['start', (args, io, name) => act(args, io, 'start', { name: needed(name), to: textOption(args, 'to') })],
  ['list', list],
  ['show', show],
  ['promote', (args, io, name) => act(args, io, 'promote', { name: needed(name), weight: weightOption(args) })],
  ['abort', (args, io, name) => act(args, io, 'abort', { name: needed(name) })],
  ['retry', (args, io, name) => act(args, io, 'retry', { name: needed(name) })],
  ['history', history],
  ['undo', (args, io) => act(args, io, 'undo', {})],
])

function act(args: VerbArgs, io: CommandIo, action: string, body: object): Promise<number> {
  return ask(args, io, async (client) => {
    const outcome = await client.post<Outcome>(`/api/shifts/${action}`, body)
    return { data: outcome, text: outcome.message }
  })
}

function list(args: VerbArgs, io: CommandIo): Promise<number> {
  return ask(args, io, async (client) => {
    const shifts = await allShifts(client)
    const rows = shifts.map((one) => [
      one.id,
      one.incumbent,
      one.candidate,
      one.standing,
      percent(one.weight),
      origin(one),
    ])
    const text =
      rows.length === 0 ? 'no shift has been started' : table(['SHIFT', 'FROM', 'TO', 'STAGE', 'WEIGHT', ''], rows)
    return { data: { shifts }, text }
  })
}

function show(args: VerbArgs, io: CommandIo, name: string | undefined): Promise<number> {
  return ask(args, io, async (client) => {
    const one = findShift(needed(name), await allShifts(client))
    if (one === undefined) return { data: null, text: `no shift "${name}" has been started`, code: 1 }
    const { operations } = await client.get<Drift>('/api/drift')
    const drifted = operations.filter(({ shift }) => shift === one.id)
    const lines = [
      `${one.id}: ${one.incumbent} → ${one.candidate}`,
      `  stage     ${one.standing}, since ${duration(Date.now() - one.changedAt)}`,
      `  steps     ${[...one.steps, 1].map(percent).join(', ')}`,
      `  requests  ${one.requests.map((arm) => `${arm.upstream} ${arm.count} (${arm.errors} errors)`).join(', ')}`,
      ...(origin(one) === '' ? [] : [`  note      ${origin(one)}`]),
      ...(drifted.length === 0 ? [] : ['', 'what a client would notice', ...drifted.map(describeDrift)]),
    ]
    return { data: one, text: lines.join('\n') }
  })
}

function history(args: VerbArgs, io: CommandIo, name: string | undefined): Promise<number> {
  return ask(args, io, async (client) => {
    const query = name === undefined ? '' : `?shift=${encodeURIComponent(name)}`
    const { entries } = await client.get<{ entries: LedgerEntry[] }>(`/api/ledger${query}`)
    const rows = entries.map((entry) => [
      String(entry.seq),
      new Date(entry.at).toISOString(),
      entry.who,
      entry.undoes === undefined ? entry.action : `${entry.action} of ${entry.undoes}`,
      entry.shift,
      `${entry.before ? stageOf(entry.before) : 'nothing'} → ${entry.after ? stageOf(entry.after) : 'nothing'}`,
    ])
    const text =
      rows.length === 0 ? 'nothing has changed yet' : table(['#', 'WHEN', 'WHO', 'WHAT', 'SHIFT', 'CHANGE'], rows)
    return { data: { entries }, text }
  })
}

async function allShifts(client: AdminClient): Promise<readonly ShiftView[]> {
  return (await client.get<{ shifts: ShiftView[] }>('/api/shifts')).shifts
}

function origin(one: ShiftView): string {
  return one.in_yaml ? '' : 'not in YAML'
}

function needed(name: string | undefined): string {
  if (name === undefined) throw new UsageError('which shift? Give a route id or an operation, e.g. "GET /vets.html"')
  return name
}

function weightOption(args: VerbArgs): number | undefined {
  const to = textOption(args, 'to')
  if (to === undefined) return undefined
  const number = /^(\d+(?:\.\d+)?)\s*%$/.exec(to)?.[1]
  if (number === undefined) throw new UsageError(`--to "${to}" is not a share such as 25%`)
  return Number(number) / 100
}
