/**
 * `npm run fuzz -- --seconds 3600 [--seed 7]`: reads changed messages with the codec and with llhttp, and connections
 * of HTTP/2 with the codec and with nghttp2, and says where they differ. Inputs that showed something new are kept.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadCodec } from './codec.ts'
import { distilled, fuzz, shrunk } from './fuzz.ts'
import { loadHttp2Codec } from './http2/codec.ts'
import { distilledHttp2, fuzzHttp2 } from './http2/fuzz.ts'
import { readHttp2Corpus, writeHttp2Corpus } from './http2/kept.ts'
import { readCorpus, writeCorpus } from './kept.ts'

const HELP = `npm run fuzz -- [--seconds 60] [--seed 7] [--only http1|http2]

Reads changed messages of HTTP/1 with the codec and with llhttp for the first half of the time, and connections of
HTTP/2 with the codec and with nghttp2 for the second one, until they differ. Every 5 s: how many were read, how many
inputs showed something new (the corpus), and by how many features they are told apart. Such inputs are kept in
test/fuzz/corpus and test/fuzz/http2/corpus. Ends with 1 where there is a difference, which it prints.
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  },
})
const seconds = Number(values.seconds ?? 60)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const { only } = values
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  throw new Error(`--seconds ${values.seconds} --seed ${values.seed}: expected numbers`)
}
if (only !== undefined && only !== 'http1' && only !== 'http2') {
  throw new Error(`--only ${only}: expected http1 or http2`)
}

const PRINT_SECONDS = 5
const KEPT_LIMIT = 300
const KEPT_HTTP2 = 200
const ROUTER = join(import.meta.dirname, '../../router')

if (values.help === true) console.log(HELP)
else {
  const share = only === undefined ? seconds / 2 : seconds
  console.log(`seed ${seed}`)
  if (only !== 'http2') await runHttp1(share)
  if (only !== 'http1') await runHttp2(share)
}

async function runHttp1(share: number): Promise<void> {
  const codec = await loadCodec(ROUTER)
  const print = printer('HTTP/1')
  const result = fuzz({
    codec,
    seed,
    corpus: readCorpus(),
    enough: (progress) => print(progress, false) >= share || progress.findings.length > 0,
  })
  print(result, true)
  const kept = distilled(codec, result.corpus, KEPT_LIMIT)
  writeCorpus(kept)
  console.log(`${kept.length} inputs kept`)
  for (const finding of result.findings) {
    const { input, difference } = shrunk(codec, finding)
    report(`${input.side} ${JSON.stringify(input.text)}`, difference)
  }
}

async function runHttp2(share: number): Promise<void> {
  const codec = await loadHttp2Codec(ROUTER)
  const print = printer('HTTP/2')
  const result = await fuzzHttp2({
    codec,
    seed,
    corpus: readHttp2Corpus(),
    enough: (progress) => print(progress, false) >= share || progress.findings.length > 0,
  })
  print(result, true)
  const kept = await distilledHttp2(codec, result.corpus, KEPT_HTTP2)
  writeHttp2Corpus(kept)
  console.log(`${kept.length} inputs kept`)
  for (const { side, bytes, difference } of result.findings) report(`${side} ${bytes.toString('hex')}`, difference)
}

function report(input: string, difference: string): void {
  console.log(`\n${input}\n  ${difference}`)
  process.exitCode = 1
}

type Counts = {
  readonly executions: number
  readonly corpus: readonly unknown[]
  readonly features: number
  readonly findings: readonly unknown[]
}

/** Prints progress now and then, or now; returns how many seconds it has been running. */
function printer(what: string): (progress: Counts, now: boolean) => number {
  const started = performance.now()
  let printed = 0
  return ({ executions, corpus, features, findings }, now) => {
    const elapsed = (performance.now() - started) / 1000
    if (!now && elapsed - printed < PRINT_SECONDS) return elapsed
    printed = elapsed
    console.log(
      `${what}, ${Math.round(elapsed)} s: ${executions} executions (${Math.round(executions / elapsed)}/s), ` +
        `corpus ${corpus.length}, features ${features}, differences ${findings.length}`,
    )
    return elapsed
  }
}
