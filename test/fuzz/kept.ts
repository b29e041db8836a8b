import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Input, nameOf } from './input.ts'

/** Where the corpus is kept, one input a file. */
export const CORPUS = join(import.meta.dirname, 'corpus')

/** The kept corpus. */
export function readCorpus(folder = CORPUS): Input[] {
  return readdirSync(folder)
    .sort()
    .map((name) => ({
      side: name.startsWith('response-') ? 'response' : 'request',
      text: readFileSync(join(folder, name), 'latin1'),
    }))
}

/** Keeps these inputs and no others. */
export function writeCorpus(inputs: readonly Input[], folder = CORPUS): void {
  mkdirSync(folder, { recursive: true })
  const names = new Map(inputs.map((input) => [nameOf(input), input]))
  for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name))
  for (const [name, { text }] of names) writeFileSync(join(folder, name), text, 'latin1')
}
