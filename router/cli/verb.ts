import type { ParseArgsOptionsConfig } from 'node:util'

/** One verb of the `banyan` command: one file, and one line in verbs.ts. */
export type Verb = {
  readonly name: string
  /** Half a line for the list of verbs. */
  readonly summary: string
  /** What follows `banyan`, e.g. `check [-c FILE] [--strict]`. */
  readonly usage: string
  /** A whole command that works as it stands. */
  readonly example: string
  /** For `parseArgs`; `--help` is there already. Describe each in `help`. */
  readonly options: ParseArgsOptionsConfig
  /** More lines for `--help`: what the options mean. */
  readonly help?: string
  /** How many words may follow that are no options; absent: any number. */
  readonly positionals?: number
  /** Resolves with the exit code: 0 yes, 1 no or failed, 2 used wrongly (or throw UsageError). */
  run(args: VerbArgs, io: CommandIo): Promise<number>
}

export type VerbArgs = {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
}

/** What a verb sees of the world, so that tests give another. */
export type CommandIo = {
  /** Writes to standard output as it is: lines end with `\n`. */
  out(text: string): void
  /** Writes to standard error. */
  err(text: string): void
  /** Standard output is a terminal: colours and redrawing are welcome. */
  readonly terminal: boolean
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** The command was used wrongly: the message is shown with the verb's usage, and the exit code is 2. */
export class UsageError extends Error {}

/** A verb as the list knows it, without loading it. */
export type VerbEntry = {
  readonly name: string
  readonly summary: string
  load(): Promise<Verb>
}

/** The text of an option that was given, or its default; undefined: neither. */
export function textOption(args: VerbArgs, name: string): string | undefined {
  const value = args.values[name]
  return typeof value === 'string' ? value : undefined
}
