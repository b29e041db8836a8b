import { own } from '../../../kernel/own.ts'
import type { Shape } from '../../../model/contract.ts'
import { arrayOf, isObject, type JsonObject, textOf } from '../../json.ts'
import { resolve } from './references.ts'

/** Which way a body goes: a client does not send what is `readOnly`, and does not get what is `writeOnly`. */
export type Direction = 'request' | 'response'

/** Makes shapes of the schemas of one document; equal schemas give the same object. */
export type Shapes = {
  shapeOf(schema: unknown, direction: Direction): Shape
  /** The types of one value: `string`, `integer|null`, `any`. */
  typeOf(schema: unknown): string
}

/** A description may be as deep and as wide as it likes; what is compared of it is not. */
const MAX_DEPTH = 6
const MAX_FIELDS = 200
/** Schemas looked at for one document: what aliases and references multiply ends here, as `any`. */
const MAX_VISITS = 500_000

/** By path within the value, `` for itself. */
type Fields = Map<string, Field>
type Field = { readonly types: readonly string[]; readonly required: boolean }

/** The shapes of a description's schemas. */
export function createShapes(document: JsonObject): Shapes {
  const shapes = { request: new WeakMap<JsonObject, Shape>(), response: new WeakMap<JsonObject, Shape>() }
  const known = { request: new WeakMap<JsonObject, Known>(), response: new WeakMap<JsonObject, Known>() }
  const walk: Walk = { document, visits: 0, cuts: 0, deepest: 0 }
  return {
    shapeOf(schema, direction) {
      const resolved = resolve(document, schema)
      if (resolved === undefined) return ANY
      const before = shapes[direction].get(resolved)
      if (before !== undefined) return before
      const place = { direction, depth: 0, above: [], known: known[direction] }
      const shape = written(fieldsOf(resolved, place, walk))
      shapes[direction].set(resolved, shape)
      return shape
    },
    typeOf(schema) {
      const resolved = resolve(document, schema)
      return resolved === undefined ? 'any' : typesOf(resolved).join('|')
    },
  }
}

const ANY: Shape = { '': 'any' }
const UNKNOWN: Fields = new Map([['', { types: ['any'], required: true }]])

function written(fields: Fields): Shape {
  const kept = [...fields].slice(0, MAX_FIELDS)
  return Object.fromEntries(
    kept.map(([path, { types, required }]) => [path, `${types.join('|')}${required ? '' : '?'}`]),
  )
}

type Place = {
  readonly direction: Direction
  readonly depth: number
  /** Schemas that this one stands in: one that holds itself is not opened again. */
  readonly above: readonly JsonObject[]
  readonly known: WeakMap<JsonObject, Known>
}

/** What a schema came to where nothing of it was cut off, and how many levels it has: the same at any place with room. */
type Known = { readonly fields: Fields; readonly height: number }

type Walk = {
  readonly document: JsonObject
  visits: number
  /** How often something was left unopened. */
  cuts: number
  /** Deepest level reached so far. */
  deepest: number
}

function fieldsOf(schema: unknown, place: Place, walk: Walk): Fields {
  const resolved = resolve(walk.document, schema)
  walk.visits += 1
  if (resolved === undefined || walk.visits > MAX_VISITS) return UNKNOWN
  const before = place.known.get(resolved)
  if (before !== undefined && place.depth + before.height <= MAX_DEPTH) {
    walk.deepest = Math.max(walk.deepest, place.depth + before.height)
    return before.fields
  }
  if (place.above.includes(resolved) || place.depth > MAX_DEPTH) {
    walk.cuts += 1
    return new Map([['', { types: typesOf(resolved), required: true }]])
  }
  const { cuts, deepest } = walk
  walk.deepest = place.depth
  const fields = openedFields(resolved, place, walk)
  if (walk.cuts === cuts) place.known.set(resolved, { fields, height: walk.deepest - place.depth })
  walk.deepest = Math.max(walk.deepest, deepest)
  return fields
}

function openedFields(schema: JsonObject, place: Place, walk: Walk): Fields {
  const inside = { ...place, depth: place.depth + 1, above: [...place.above, schema] }
  const read = (part: unknown) => fieldsOf(part, inside, walk)
  const itself: Fields = new Map([['', { types: typesOf(schema), required: true }]])
  const parts = [
    ...arrayOf(own(schema, 'allOf')).map(read),
    ...['oneOf', 'anyOf'].map((key) => arrayOf(own(schema, key)).map(read)).flatMap(eitherOf),
  ]
  return together([itself, propertiesOf(schema, place.direction, read), ...parts])
}

/** `properties`, `items` and `additionalProperties`, each below its own path. */
function propertiesOf(schema: JsonObject, direction: Direction, read: (schema: unknown) => Fields): Fields {
  const fields: Fields = new Map()
  const needed = new Set(arrayOf(own(schema, 'required')))
  const hidden = direction === 'request' ? 'readOnly' : 'writeOnly'
  const properties = own(schema, 'properties')
  for (const [name, property] of isObject(properties) ? Object.entries(properties) : []) {
    if (fields.size > MAX_FIELDS) break
    if (isObject(property) && own(property, hidden) === true) continue
    addBelow(fields, name, read(property), needed.has(name))
  }
  const items = own(schema, 'items')
  if (isObject(items)) addBelow(fields, '[]', read(items), true)
  const others = own(schema, 'additionalProperties')
  if (isObject(others)) addBelow(fields, '{}', read(others), true)
  return fields
}

function addBelow(fields: Fields, name: string, below: Fields, required: boolean): void {
  for (const [path, field] of below) {
    const dot = path === '' || path.startsWith('[]') || path.startsWith('{}') ? '' : '.'
    fields.set(`${name}${dot}${path}`, path === '' ? { ...field, required } : field)
  }
}

/** All of them hold: a field is there where one says so, and has the types that all allow. */
function together([first, ...others]: readonly Fields[]): Fields {
  const fields: Fields = new Map(first)
  for (const [path, field] of others.flatMap((part) => [...part])) {
    const before = fields.get(path)
    fields.set(
      path,
      before === undefined
        ? field
        : { types: narrower(before.types, field.types), required: before.required || field.required },
    )
  }
  return fields
}

function narrower(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.includes('any')) return b
  if (b.includes('any')) return a
  const both = a.filter((type) => b.includes(type))
  return both.length > 0 ? both : a
}

/** One of them holds: a field is sure to be there only where all say so, and may have any of the types. */
function eitherOf(branches: readonly Fields[]): readonly Fields[] {
  if (branches.length === 0) return []
  const fields: Fields = new Map()
  for (const path of new Set(branches.flatMap((branch) => [...branch.keys()]))) {
    const said = branches.flatMap((branch) => branch.get(path) ?? [])
    const types = new Set(said.flatMap((field) => field.types))
    const required = said.length === branches.length && said.every((field) => field.required)
    fields.set(path, { types: types.has('any') ? ['any'] : [...types].sort(), required })
  }
  return [fields]
}

/** Sorted; `any` alone where nothing is said. */
function typesOf(schema: JsonObject): readonly string[] {
  const type = own(schema, 'type')
  const types = new Set((Array.isArray(type) ? type : [type]).map(textOf).filter((one) => one !== ''))
  if (types.size === 0) for (const implied of impliedTypes(schema)) types.add(implied)
  if (types.size === 0) return ['any']
  if (own(schema, 'nullable') === true) types.add('null')
  return [...types].sort()
}

function impliedTypes(schema: JsonObject): readonly string[] {
  if (isObject(own(schema, 'properties'))) return ['object']
  if (isObject(own(schema, 'items'))) return ['array']
  const constant = own(schema, 'const')
  const values = constant === undefined ? arrayOf(own(schema, 'enum')) : [constant]
  return values.map((value) => (value === null ? 'null' : typeof value === 'number' ? 'number' : typeof value))
}
