/** A parsed object. Only own properties may be trusted: read through `Object.entries`, `own` or destructuring of plain names. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a parsed value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value where it is an object, otherwise an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The value where it is a list, otherwise an empty one. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value where it is text, otherwise ''. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
