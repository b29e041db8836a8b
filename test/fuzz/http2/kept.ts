import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Http2Input, http2Name } from './input.ts'

/** Where the corpus is kept, one input a file. */
const CORPUS = join(import.meta.dirname, 'corpus')

/** The kept corpus. */
export function readHttp2Corpus(): Http2Input[] {
  return readdirSync(CORPUS)
    .sort()
    .map((name) => ({
      side: name.startsWith('response-') ? 'response' : 'request',
      bytes: readFileSync(join(CORPUS, name)),
      valid: name.includes('-valid-'),
    }))
}

/** Keeps these inputs and no others. */
export function writeHttp2Corpus(inputs: readonly Http2Input[]): void {
  mkdirSync(CORPUS, { recursive: true })
  const names = new Map(inputs.map((input) => [http2Name(input), input]))
  for (const name of readdirSync(CORPUS)) if (!names.has(name)) rmSync(join(CORPUS, name))
  for (const [name, { bytes }] of names) writeFileSync(join(CORPUS, name), bytes)
}
