import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { FileDescriptorProtoSchema, type MethodDescriptorProto } from '@bufbuild/protobuf/wkt'
import { collectOperations, type WrittenOperation } from '../../operations.ts'
import type { Reading } from '../../reading.ts'
import { fieldsOf, parts, texts } from './messages.ts'
import { templateOfHttpPath } from './template.ts'

/**
 * Operations of the services named, as these files declare them: `POST /pkg.Service/Method`, and what an HTTP
 * annotation (google.api.http) says that the method is in JSON. `bytes` holds file descriptors, each behind its length.
 */
export function readDescriptors(bytes: Uint8Array, services: readonly string[]): Reading {
  const wanted = new Set(services)
  const written: WrittenOperation[] = []
  let unsaid = 0
  for (const file of filesIn(bytes)) {
    const { package: name, service: declared } = fromBinary(FileDescriptorProtoSchema, file)
    for (const service of declared) {
      const full = name === '' ? service.name : `${name}.${service.name}`
      // A file comes with its neighbours: only what the server lists is served.
      if (!wanted.delete(full)) continue
      for (const method of service.method) {
        written.push({ method: 'POST', template: `/${full}/${method.name}` })
        const annotated = httpOperations(method, `google.api.http of ${full}/${method.name}`)
        written.push(...annotated.operations)
        unsaid += annotated.unsaid
      }
    }
  }
  if (wanted.size > 0) return { kind: 'unreadable', why: `does not declare ${[...wanted].join(', ')}` }
  const { operations, skipped } = collectOperations(written)
  return { kind: 'read', operations, skipped: skipped + unsaid }
}

function* filesIn(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at)
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}

/** Number of the extension google.api.http in MethodOptions. */
const HTTP = 72295728
/** Fields of google.api.HttpRule. */
const VERBS: ReadonlyMap<number, string> = new Map([
  [2, 'GET'],
  [3, 'PUT'],
  [4, 'POST'],
  [5, 'DELETE'],
  [6, 'PATCH'],
])
const CUSTOM = 8
const ADDITIONAL = 11

type Annotated = { readonly operations: readonly WrittenOperation[]; readonly unsaid: number }

function httpOperations({ options }: MethodDescriptorProto, detail: string): Annotated {
  const rules = (options?.$unknown ?? [])
    .filter(({ no }) => no === HTTP)
    .map(({ data }) => new BinaryReader(data).bytes())
  const bindings = rules.flatMap((rule) => [rule, ...parts(rule, ADDITIONAL)]).flatMap(bindingsOf)
  const operations = bindings.flatMap(({ method, path }) => {
    const template = templateOfHttpPath(path)
    return template === undefined ? [] : [{ method, template, detail }]
  })
  return { operations, unsaid: bindings.length - operations.length }
}

function bindingsOf(rule: Uint8Array): readonly { readonly method: string; readonly path: string }[] {
  return fieldsOf(rule).flatMap(({ number, bytes }) => {
    const method = VERBS.get(number)
    if (method !== undefined) return [{ method, path: new TextDecoder().decode(bytes) }]
    if (number !== CUSTOM) return []
    const [kind = ''] = texts(bytes, 1)
    const [path = ''] = texts(bytes, 2)
    // `*` stands for any method and is of no use as one.
    return kind === '' || kind === '*' ? [] : [{ method: kind, path }]
  })
}
