import { parseArgs } from 'node:util'
import { type CommandIo, UsageError, type Verb, type VerbArgs, type VerbEntry } from './verb.ts'

/** Runs one command line; resolves with its exit code. Loads only the verb that is asked for. */
export async function runCommand(
  words: readonly string[],
  verbs: readonly VerbEntry[],
  io: CommandIo,
): Promise<number> {
  const [name, ...rest] = words
  if (name === undefined) {
    io.err(overview(verbs))
    return 2
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    io.out(overview(verbs))
    return 0
  }
  const entry = verbs.find((one) => one.name === name || (one.name === 'version' && name === '--version'))
  if (entry === undefined) {
    io.err(await unknownVerb(name, verbs))
    return 2
  }
  return runVerb(await entry.load(), rest, io)
}

async function runVerb(verb: Verb, words: readonly string[], io: CommandIo): Promise<number> {
  try {
    const args = parseWords(verb, words)
    if (args.values.help === true) {
      io.out(manual(verb))
      return 0
    }
    return await verb.run(args, io)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    io.err(`${error.message}\nusage: banyan ${verb.usage}\nbanyan ${verb.name} --help says more\n`)
    return 2
  }
}

function parseWords(verb: Verb, words: readonly string[]): VerbArgs {
  const options = { ...verb.options, help: { type: 'boolean', short: 'h' } } as const
  const args = parsed(() => parseArgs({ args: [...words], options, allowPositionals: true }))
  const unexpected = args.positionals[verb.positionals ?? args.positionals.length]
  if (unexpected !== undefined) throw new UsageError(`unexpected "${unexpected}"`)
  return args
}

function parsed(parse: () => VerbArgs): VerbArgs {
  try {
    return parse()
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function overview(verbs: readonly VerbEntry[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length))
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `banyan VERB [options]\n\n${lines.join('\n')}\n\nbanyan VERB --help says more about one\n`
}

function manual(verb: Verb): string {
  const help = verb.help === undefined ? '' : `${verb.help}\n\n`
  return `banyan ${verb.name}: ${verb.summary}\n\nusage: banyan ${verb.usage}\n\n${help}example: ${verb.example}\n`
}

async function unknownVerb(name: string, verbs: readonly VerbEntry[]): Promise<string> {
  // Loaded only here: `up` waits for every import above.
  const { suggest } = await import('../config/suggest.ts')
  const hint = suggest(
    name,
    verbs.map((verb) => verb.name),
  )
  return `unknown verb "${name}"\n    hint: ${hint}\n`
}
