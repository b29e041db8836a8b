/**
 * What a description promises of one operation, as far as two can be compared. Plain data; equal parts are shared,
 * and keys come from foreign documents: read them through `Object.entries` or `Object.hasOwn`.
 */
export type Contract = {
  /** By `query page`, `header x-version` (lower case) or `cookie theme`. Those of the path are in the template. */
  readonly parameters: Readonly<Record<string, ContractParameter>>
  /** Absent: no request body is described. */
  readonly body?: { readonly required: boolean; readonly media: ByMedia }
  /** By status as written: `200`, `4XX`, `default`. */
  readonly responses: Readonly<Record<string, ByMedia>>
}

export type ContractParameter = { readonly type: string; readonly required: boolean }

/** By media type, lower case and without parameters; `any` where the description names none. */
export type ByMedia = Readonly<Record<string, Shape>>

/**
 * The fields of a body by path, each with its types: `{ "": "array", "[]": "object", "[].name": "string|null?" }`. `?`
 * at the end: it may be missing. `any`: the description does not say.
 */
export type Shape = Readonly<Record<string, string>>
