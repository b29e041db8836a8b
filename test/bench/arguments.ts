import { parseArgs } from 'node:util'
import type { Row } from './row.ts'

export type Arguments = {
  readonly rows: readonly Row[]
  readonly rounds: number
  readonly seconds: number
  /** Whether docs/bench.md gets the figures. */
  readonly write: boolean
}

/** What the command line asks for; `undefined`: help. Throws a message for the terminal where it is wrong. */
export function readArguments(args: readonly string[], known: readonly Row[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: known.map(({ name }) => name).join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      'no-write': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  return {
    rows: values.rows.split(',').map((name) => rowNamed(name.trim(), known)),
    rounds: numberOf('--rounds', values.rounds, 100),
    seconds: numberOf('--seconds', values.seconds, 600),
    write: !values['no-write'],
  }
}

/** What `--help` prints. */
export function helpText(known: readonly Row[]): string {
  const width = Math.max(...known.map(({ name }) => name.length))
  return `npm run bench -- [--rows NAME,…] [--rounds N] [--seconds N] [--no-write]

Measures Banyan beside other proxies on this machine and writes the figures to docs/bench.md.
Needs Linux, nginx and wrk; measures HAProxy, Envoy and Traefik too where they are installed, on the PATH or where
BENCH_ENVOY=/path/to/envoy says. All rows take about ten minutes; nothing else should run meanwhile.

  --rows NAME,…   only these (default: all)
${known.map(({ name, summary }) => `      ${name.padEnd(width)}  ${summary}`).join('\n')}
  --rounds N      timed runs of each program, in turn (default: 5)
  --seconds N     length of each (default: 4)
  --no-write      print only

Example: npm run bench -- --rows proxy --rounds 3 --seconds 2 --no-write
`
}

function rowNamed(name: string, known: readonly Row[]): Row {
  const row = known.find((one) => one.name === name)
  if (row !== undefined) return row
  throw new Error(`--rows: no row "${name}"; known: ${known.map((one) => one.name).join(', ')}`)
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new Error(`${option} "${text}": a whole number from 1 to ${most} is needed`)
}
