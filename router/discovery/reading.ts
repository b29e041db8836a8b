import { parentPort, workerData } from 'node:worker_threads'
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml'
import { isObject, type JsonObject } from './json.ts'
import type { WrittenOperation } from './operations.ts'

/** What a reader made of a document; `skipped` counts what it could not say as an operation. */
export type Reading =
  | { readonly kind: 'read'; readonly operations: readonly WrittenOperation[]; readonly skipped: number }
  /** Not a description, but where some are. */
  | { readonly kind: 'links'; readonly links: readonly string[] }
  /** A sentence without its subject, such as `is HTML`. `strange`: nobody meant it as a description. */
  | { readonly kind: 'unreadable'; readonly why: string; readonly strange?: boolean }

/** What a worker is started with. */
export type ReadingTask = { readonly bytes: Uint8Array; readonly hints: JsonObject }

/** The body of a reading worker: parses the document it was started with, has it read, posts the reading. */
export function serveReading(read: (document: unknown, hints: JsonObject) => Reading): void {
  const { bytes, hints } = workerData as ReadingTask
  parentPort?.postMessage(readDocument(bytes, (document) => read(document, hints)))
}

/** The same for what is neither JSON nor YAML: `read` gets the bytes; what it throws is a reading too. */
export function serveBytes(read: (bytes: Uint8Array, hints: JsonObject) => Reading): void {
  const { bytes, hints } = workerData as ReadingTask
  parentPort?.postMessage(readBytes(bytes, (taken) => read(taken, hints)))
}

/** Has bytes read within the limits of every reading. */
export function readBytes(bytes: Uint8Array, read: (bytes: Uint8Array) => Reading): Reading {
  try {
    return bounded(read(bytes))
  } catch (error) {
    return { kind: 'unreadable', why: `could not be read: ${firstLine(error)}` }
  }
}

/** Parses JSON or YAML and has it read; what throws on the way is a reading too. */
export function readDocument(bytes: Uint8Array, read: (document: unknown) => Reading): Reading {
  if (holdsTooMuch(bytes)) return { kind: 'unreadable', why: `holds more than ${MAX_VALUES} values` }
  const text = new TextDecoder().decode(bytes).trimStart()
  if (text === '') return { kind: 'unreadable', why: 'is empty', strange: true }
  // Many applications answer any path with their front page.
  if (text.startsWith('<')) return { kind: 'unreadable', why: 'is HTML or XML', strange: true }
  try {
    const document = parse(text)
    if (!isObject(document)) return { kind: 'unreadable', why: 'holds no object', strange: true }
    return bounded(read(document))
  } catch (error) {
    return { kind: 'unreadable', why: `is neither JSON nor YAML: ${firstLine(error)}` }
  }
}

const MAX_VALUES = 2_000_000

// Memory goes by values, not by bytes: 32 MiB of `{},` would be a gigabyte of objects, and a thread that runs out of
// memory within JSON.parse takes the whole process with it.
function holdsTooMuch(bytes: Uint8Array): boolean {
  let values = 0
  for (const byte of bytes) {
    if (byte === COMMA || byte === BRACKET || byte === BRACE || byte === NEWLINE) values += 1
  }
  return values > MAX_VALUES
}

const NEWLINE = 0x0a
const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b

function parse(text: string): unknown {
  if (!/^[[{]/.test(text)) return parseYaml(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    // YAML may begin with a brace too; where it is not YAML either, the JSON error is the one that helps.
    try {
      return parseYaml(text)
    } catch {
      throw error
    }
  }
}

const SCHEMA = CORE_SCHEMA.withTags(mergeTag)

function parseYaml(text: string): unknown {
  return load(text, { schema: SCHEMA, json: true, maxDepth: 200, maxAliases: 10_000 })
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line
}

const MAX_OPERATIONS = 100_000

function bounded(reading: Reading): Reading {
  if (reading.kind !== 'read' || reading.operations.length <= MAX_OPERATIONS) return reading
  return { kind: 'unreadable', why: `has ${reading.operations.length} operations; at most ${MAX_OPERATIONS} are taken` }
}
