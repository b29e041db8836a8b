import { own } from '../../../kernel/own.ts'
import { isObject, type JsonObject } from '../../json.ts'

const MAX_REFERENCES = 8

/**
 * An object of a description, with a local `$ref` followed; what stands beside the reference wins. Undefined: not to
 * be had within the document. No reference leaves it, whoever it names.
 */
export function resolve(document: JsonObject, value: unknown, depth = 0): JsonObject | undefined {
  if (!isObject(value)) return undefined
  const reference = own(value, '$ref')
  if (typeof reference !== 'string') return value
  if (!reference.startsWith('#/') || depth >= MAX_REFERENCES) return undefined
  const referred = resolve(document, pointer(document, reference.slice(2)), depth + 1)
  if (referred === undefined || Object.keys(value).length === 1) return referred
  const { $ref: _, ...beside } = value
  return { ...referred, ...beside }
}

function pointer(document: JsonObject, path: string): unknown {
  let value: unknown = document
  for (const part of path.split('/')) {
    const key = decodePart(part)
    value = isObject(value) && key !== undefined ? own(value, key) : undefined
  }
  return value
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}
