/**
 * `npm run fuzz -- --seconds 3600 [--seed 7]`: reads changed messages with the codec and with llhttp, and says where
 * they differ. Inputs that showed something new are kept in `corpus/`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadCodec } from './codec.ts'
import { distilled, fuzz, type Progress, shrunk } from './fuzz.ts'
import { readCorpus, writeCorpus } from './kept.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
const seconds = Number(values.seconds ?? 60)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  throw new Error(`--seconds ${values.seconds} --seed ${values.seed}: expected numbers`)
}

const PRINT_SECONDS = 5
const KEPT_LIMIT = 300

const codec = await loadCodec(join(import.meta.dirname, '../../router'))
const started = performance.now()
const elapsed = (): number => (performance.now() - started) / 1000
let printed = 0

console.log(`seed ${seed}`)
const result = fuzz({
  codec,
  seed,
  corpus: readCorpus(),
  enough(progress) {
    if (elapsed() - printed >= PRINT_SECONDS) {
      printed = elapsed()
      print(progress)
    }
    return elapsed() >= seconds || progress.findings.length > 0
  },
})
print(result)
const kept = distilled(codec, result.corpus, KEPT_LIMIT)
writeCorpus(kept)
console.log(`${kept.length} inputs kept`)
for (const finding of result.findings) {
  const { input, difference } = shrunk(codec, finding)
  console.log(`\n${input.side} ${JSON.stringify(input.text)}\n  ${difference}`)
}
if (result.findings.length > 0) process.exitCode = 1

function print({ executions, corpus, features, findings }: Progress): void {
  const rate = Math.round(executions / elapsed())
  console.log(
    `${Math.round(elapsed())} s: ${executions} executions (${rate}/s), corpus ${corpus.length}, ` +
      `features ${features}, differences ${findings.length}`,
  )
}
