import { own } from '../../../kernel/own.ts'
import type { ByMedia, Contract, ContractParameter } from '../../../model/contract.ts'
import { arrayOf, isObject, type JsonObject, objectOf, textOf } from '../../json.ts'
import { resolve } from './references.ts'
import type { Direction, Shapes } from './shape.ts'

/**
 * What a description promises of one operation: Swagger 2.0 and OpenAPI 3 alike. `item` is the path item it stands
 * in, whose parameters are its own too. Undefined: it says nothing but that there is one.
 */
export function contractOf(
  operation: JsonObject,
  item: JsonObject,
  document: JsonObject,
  shapes: Shapes,
): Contract | undefined {
  const said: Said = { operation, document, shapes, parameters: parametersOf(operation, item, document) }
  const body = bodyOf(said)
  const responses = responsesOf(said)
  if (said.parameters.length === 0 && body === undefined && Object.keys(responses).length === 0) return undefined
  return {
    parameters: Object.fromEntries(said.parameters.flatMap((parameter) => comparedParameter(parameter, shapes))),
    ...(body !== undefined && { body }),
    responses,
  }
}

type Said = {
  readonly operation: JsonObject
  readonly document: JsonObject
  readonly shapes: Shapes
  /** Those of the path item and of the operation, which replaces the item's by name. */
  readonly parameters: readonly JsonObject[]
}

function parametersOf(operation: JsonObject, item: JsonObject, document: JsonObject): readonly JsonObject[] {
  const all = [...arrayOf(own(item, 'parameters')), ...arrayOf(own(operation, 'parameters'))]
  const resolved = new Map<string, JsonObject>()
  for (const parameter of all.map((one) => resolve(document, one))) {
    if (parameter !== undefined)
      resolved.set(`${textOf(own(parameter, 'in'))} ${textOf(own(parameter, 'name'))}`, parameter)
  }
  return [...resolved.values()]
}

const COMPARED = ['query', 'header', 'cookie']
/** Described by other means, and so ignored where they are parameters (OpenAPI 3.1, section 4.8.12.1). */
const NOT_PARAMETERS = ['header accept', 'header content-type', 'header authorization']

function comparedParameter(parameter: JsonObject, shapes: Shapes): [string, ContractParameter][] {
  const where = textOf(own(parameter, 'in'))
  const name = textOf(own(parameter, 'name'))
  const key = `${where} ${where === 'header' ? name.toLowerCase() : name}`
  if (!COMPARED.includes(where) || name === '' || NOT_PARAMETERS.includes(key)) return []
  const [content] = Object.values(objectOf(own(parameter, 'content')))
  // In 2.0 a parameter is its own schema.
  const schema = own(parameter, 'schema') ?? (content === undefined ? parameter : own(objectOf(content), 'schema'))
  return [[key, { type: shapes.typeOf(schema), required: own(parameter, 'required') === true }]]
}

function bodyOf({ operation, document, shapes, parameters }: Said): Contract['body'] {
  const described = resolve(document, own(operation, 'requestBody'))
  if (described !== undefined) {
    return {
      required: own(described, 'required') === true,
      media: byMedia(own(described, 'content'), 'request', shapes),
    }
  }
  const body = parameters.find((parameter) => own(parameter, 'in') === 'body')
  const form = parameters.filter((parameter) => own(parameter, 'in') === 'formData')
  if (body === undefined && form.length === 0) return undefined
  const needed = form.filter((parameter) => own(parameter, 'required') === true)
  const schema = body === undefined ? formSchema(form, needed) : own(body, 'schema')
  const fallback = body === undefined ? 'application/x-www-form-urlencoded' : 'any'
  const types = mediaTypes(operation, document, 'consumes', fallback)
  const shape = shapes.shapeOf(schema, 'request')
  const required = body === undefined ? needed.length > 0 : own(body, 'required') === true
  return { required, media: Object.fromEntries(types.map((type) => [type, shape])) }
}

function formSchema(form: readonly JsonObject[], needed: readonly JsonObject[]): JsonObject {
  const nameOf = (parameter: JsonObject) => textOf(own(parameter, 'name'))
  const properties = Object.fromEntries(form.map((parameter) => [nameOf(parameter), { type: own(parameter, 'type') }]))
  return { type: 'object', properties, required: needed.map(nameOf) }
}

function responsesOf({ operation, document, shapes }: Said): Contract['responses'] {
  const statuses = Object.entries(objectOf(own(operation, 'responses')))
    .filter(([status]) => /^(?:[1-5](?:\d\d|XX)|default)$/i.test(status))
    .map(([status, response]): [string, ByMedia] => {
      const described = resolve(document, response) ?? {}
      const name = status === 'default' ? status : status.toUpperCase()
      const schema = own(described, 'schema')
      if (schema === undefined) return [name, byMedia(own(described, 'content'), 'response', shapes)]
      const types = mediaTypes(operation, document, 'produces', 'any')
      const shape = shapes.shapeOf(schema, 'response')
      return [name, Object.fromEntries(types.map((type) => [type, shape]))]
    })
  return Object.fromEntries(statuses)
}

/** 2.0: the operation's own list goes before the document's. */
function mediaTypes(operation: JsonObject, document: JsonObject, key: string, fallback: string): readonly string[] {
  const types = arrayOf(own(operation, key) ?? own(document, key))
    .map(textOf)
    .filter((type) => type !== '')
  return types.length === 0 ? [fallback] : types.map(mediaName)
}

function byMedia(content: unknown, direction: Direction, shapes: Shapes): ByMedia {
  const types = Object.entries(objectOf(content)).map(([type, media]) => {
    const schema = isObject(media) ? own(media, 'schema') : undefined
    return [mediaName(type), shapes.shapeOf(schema, direction)] as const
  })
  return Object.fromEntries(types)
}

// `Application/JSON; charset=utf-8` is `application/json`; that anything will do is `any`.
function mediaName(type: string): string {
  const name = type.replace(/;.*$/s, '').trim().toLowerCase()
  return name === '*/*' ? 'any' : name
}
