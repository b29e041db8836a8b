import { z } from 'zod'
import { adminSchema, listenSchema, statusSchema } from './listening.ts'
import type { Path } from './reading.ts'
import { routesSchema } from './route.ts'
import { settingKeys } from './settings.ts'
import { upstreamsSchema } from './upstream.ts'
import { map } from './values.ts'

/** Every key at the top of the file: the one list. What is here is checked, documented and in the JSON Schema. */
const configSchema = map({
  listen: listenSchema,
  admin: adminSchema,
  status: statusSchema,
  ...settingKeys,
  upstreams: upstreamsSchema,
  routes: routesSchema,
})

/** A JSON Schema as plain data, as far as this module looks into it. */
export type JsonSchema = {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** JSON Schema (draft 2020-12) of the file, for editors, made from the definitions that also check it. */
export function jsonSchema(): JsonSchema {
  const generated = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12', override: keepNotes })
  return {
    ...allowEnvironment(generated as JsonSchema),
    title: 'banyan.yaml',
    description: 'Upstreams and routes of a Banyan router',
    $defs: { environment: { type: 'string', pattern: '\\$\\{', description: 'Read from the environment' } },
  }
}

let known: JsonSchema | undefined

/** Keys that are understood in the map at this place. */
export function knownKeys(path: Path): readonly string[] {
  known ??= jsonSchema()
  let places: readonly JsonSchema[] = [known]
  for (const part of path) {
    places = places.flatMap((place) => {
      const next = typeof part === 'number' ? place.items : (place.properties?.[part] ?? place.additionalProperties)
      return typeof next === 'object' ? [next, ...(next.anyOf ?? [])] : []
    })
  }
  return [...new Set(places.flatMap((place) => Object.keys(place.properties ?? {})))]
}

/** zod leaves out defaults and examples of values that it transforms; ours are about what is written. */
function keepNotes({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: z.core.JSONSchema.BaseSchema
}) {
  const notes = z.globalRegistry.get(zodSchema)
  if (notes?.default !== undefined) jsonSchema.default = notes.default as z.core.JSONSchema._JSONSchema
  if (Array.isArray(notes?.examples)) jsonSchema.examples = notes.examples
}

const ENVIRONMENT: JsonSchema = { $ref: '#/$defs/environment' }
const NOTES = ['description', 'default', 'examples']

/** A value that is no free text may be written as `${NAME}` too: without this an editor would complain. */
function allowEnvironment(schema: JsonSchema): JsonSchema {
  const copy: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) copy[keyword] = below(keyword, value)
  if (schema.anyOf?.some(closed)) return { ...copy, anyOf: [...schema.anyOf.map(allowBelow), ENVIRONMENT] }
  if (!closed(schema)) return copy
  const entries = Object.entries(copy)
  const notes = Object.fromEntries(entries.filter(([keyword]) => NOTES.includes(keyword)))
  const value = Object.fromEntries(entries.filter(([keyword]) => !NOTES.includes(keyword)))
  return { ...notes, anyOf: [value, ENVIRONMENT] }
}

function allowBelow(schema: JsonSchema): JsonSchema {
  return closed(schema) ? schema : allowEnvironment(schema)
}

function closed(schema: JsonSchema): boolean {
  const { type } = schema
  return ['enum', 'const', 'pattern'].some((keyword) => keyword in schema) || type === 'integer' || type === 'boolean'
}

function below(keyword: string, value: unknown): unknown {
  if (keyword === 'properties') {
    const entries = Object.entries(value as Record<string, JsonSchema>)
    return Object.fromEntries(entries.map(([key, item]) => [key, allowEnvironment(item)]))
  }
  if (keyword === 'anyOf') return (value as readonly JsonSchema[]).map(allowEnvironment)
  if (keyword === 'items' || (keyword === 'additionalProperties' && typeof value === 'object')) {
    return allowEnvironment(value as JsonSchema)
  }
  return value
}
