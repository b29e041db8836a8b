import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Verb } from '../../router/cli/verb.ts'
import { VERBS } from '../../router/cli/verbs.ts'

const page = readFileSync(new URL('../../docs/command.md', import.meta.url), 'utf8')
const verbs = await Promise.all(VERBS.map((entry) => entry.load()))

describe('docs/command.md', () => {
  it('has every verb with its usage and every option, and nothing else', () => {
    expect(faults(page)).toEqual([])
  })

  it.each([
    { planted: 'a verb left out', edit: (text: string) => text.replace(/^## `left`[\s\S]*?(?=^## )/m, '') },
    { planted: 'a verb that does not exist', edit: (text: string) => text.replace('## `left`', '## `right`') },
    { planted: 'an option left out', edit: (text: string) => text.replace('`--exit-code`', '`--code`') },
    { planted: 'a short option left out', edit: (text: string) => text.replace('`-H`, ', '') },
    { planted: 'an option that does not exist', edit: (text: string) => `${text}\n\n\`--watch\`: redraws.\n` },
    { planted: 'an action of shift left out', edit: (text: string) => text.replace('|history|undo [', '|history [') },
    { planted: 'a common option left out', edit: (text: string) => text.replace(/^\| `--json`.*$/m, '') },
  ])('would be caught: $planted', ({ edit }) => {
    expect(edit(page)).not.toBe(page)
    expect(faults(edit(page))).not.toEqual([])
  })
})

/** The text before the first verb, and that of each verb by name. */
function sectionsOf(text: string): { readonly common: string; readonly sections: ReadonlyMap<string, string> } {
  const [common = '', ...rest] = text.split(/^## /m)
  return { common, sections: new Map(rest.map((section) => [/^`(.*)`/.exec(section)?.[1] ?? section, section])) }
}

function faults(text: string): readonly string[] {
  const { common, sections } = sectionsOf(text)
  const known = new Set(verbs.map(({ name }) => name))
  return [
    ...[...sections.keys()].filter((name) => !known.has(name)).map((name) => `there is no verb ${name}`),
    ...optionsIn(common).flatMap((option) => (isOptionOf(verbs, option) ? [] : [`no verb has ${option}`])),
    ...verbs.flatMap((verb) => faultsOf(verb, sections.get(verb.name), common)),
  ]
}

function faultsOf(verb: Verb, section: string | undefined, common: string): readonly string[] {
  if (section === undefined) return [`${verb.name} is missing`]
  const written = new Set([...optionsIn(section), ...optionsIn(common)])
  return [
    ...(section.includes(`\`\`\`\nbanyan ${verb.usage}\n\`\`\``)
      ? []
      : [`usage of ${verb.name}: banyan ${verb.usage}`]),
    ...spellings([verb]).flatMap((option) => (written.has(option) ? [] : [`${verb.name} has ${option}`])),
    ...optionsIn(section).flatMap((option) => (isOptionOf([verb], option) ? [] : [`${verb.name} has no ${option}`])),
  ]
}

/** Options as a page writes them: at the start of a piece of code. */
function optionsIn(text: string): readonly string[] {
  return [...text.matchAll(/`(-[A-Za-z]|--[a-z-]+)(?=[ `])/g)].map(([, option = '']) => option)
}

function isOptionOf(some: readonly Verb[], option: string): boolean {
  return ['-h', '--help', ...spellings(some)].includes(option)
}

function spellings(some: readonly Verb[]): readonly string[] {
  return some
    .flatMap(({ options }) => Object.entries(options))
    .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
}
