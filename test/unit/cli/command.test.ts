import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../router/cli/command.ts'
import { type CommandIo, UsageError, type Verb, type VerbArgs, type VerbEntry } from '../../../router/cli/verb.ts'
import { VERBS } from '../../../router/cli/verbs.ts'

const greet: Verb = {
  name: 'greet',
  summary: 'says hello',
  usage: 'greet NAME [--loud]',
  example: 'banyan greet Ada',
  help: '  --loud  in capitals',
  positionals: 1,
  options: { loud: { type: 'boolean' } },
  async run(args: VerbArgs, io: CommandIo) {
    const [name] = args.positionals
    if (name === undefined) throw new UsageError('greet takes a NAME')
    io.out(args.values.loud === true ? `HELLO ${name}\n` : `hello ${name}\n`)
    return name === 'nobody' ? 1 : 0
  },
}

async function command(...words: string[]) {
  let out = ''
  let err = ''
  const loaded: string[] = []
  const verbs: VerbEntry[] = [greet, { ...greet, name: 'leave' }].map((verb) => ({
    name: verb.name,
    summary: verb.summary,
    async load() {
      loaded.push(verb.name)
      return verb
    },
  }))
  const io: CommandIo = {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    terminal: false,
    env: {},
    cwd: '/',
  }
  return { code: await runCommand(words, verbs, io), out, err, loaded }
}

describe('the banyan command', () => {
  it('runs a verb, loads no other, and ends with its code', async () => {
    expect(await command('greet', 'Ada', '--loud')).toEqual({
      code: 0,
      out: 'HELLO Ada\n',
      err: '',
      loaded: ['greet'],
    })
    expect((await command('greet', 'nobody')).code).toBe(1)
  })

  it.each([
    { words: [], says: /banyan VERB.*\n\n {2}greet {2}says hello\n {2}leave/s, why: 'no verb' },
    {
      words: ['greeet'],
      says: /unknown verb "greeet"\n {4}hint: did you mean "greet"\? known: greet, leave/,
      why: 'a slip',
    },
    { words: ['greet'], says: /greet takes a NAME\nusage: banyan greet NAME/, why: 'a word is missing' },
    { words: ['greet', 'a', 'b'], says: /unexpected "b"\nusage:/, why: 'a word too many' },
    { words: ['greet', 'a', '--quiet'], says: /Unknown option '--quiet'.*\nusage:/, why: 'an option it does not have' },
  ])('used wrongly ends with 2 and says how: $why', async ({ words, says }) => {
    const { code, out, err } = await command(...words)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(says)
  })

  it('explains itself and each verb', async () => {
    expect(await command('--help')).toMatchObject({ code: 0, loaded: [] })
    const { code, out } = await command('greet', '--help')
    expect(code).toBe(0)
    expect(out).toContain('usage: banyan greet NAME [--loud]\n\n  --loud  in capitals\n\nexample: banyan greet Ada\n')
  })
})

describe('every verb', () => {
  it.each(VERBS)('$name has the name and summary of its line, and an example that names it', async (entry) => {
    const verb = await entry.load()
    expect({ name: verb.name, summary: verb.summary }).toEqual({ name: entry.name, summary: entry.summary })
    expect(verb.usage.startsWith(verb.name)).toBe(true)
    expect(verb.example).toContain(`banyan ${verb.name}`)
  })
})
