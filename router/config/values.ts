import { isIP } from 'node:net'
import { z } from 'zod'

/**
 * Kinds of values that several keys share. Each says what is expected in words that follow `must be`; a message
 * never holds the value, because it may come from the environment: the reader adds what may be shown.
 */

/** Why a text is refused. */
export type Refusal = {
  /** A whole sentence instead of `must be …`. */
  readonly message?: string
  /** More about what is wrong, which may quote the value. */
  readonly detail?: string
  readonly hint?: string
  readonly code?: string
  /** It is the key that is wrong, not its value. */
  readonly atKey?: boolean
}

/** A value written as text and read by `read`, which returns the value or throws a `Refused`. */
export function textKind<T>(expectation: string, read: (text: string) => T) {
  return z.string({ error: expectation }).transform((text, context): T => {
    try {
      return read(text)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      context.addIssue({ code: 'custom', message: expectation, params: error.refusal })
      return z.NEVER
    }
  })
}

/** Thrown by the reader of a `textKind`. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal = {}) {
    super(refusal.message ?? 'refused')
    this.refusal = refusal
  }
}

/** A map with these keys and no others. */
export function map<S extends z.ZodRawShape>(shape: S) {
  const keys = Object.keys(shape)
  return z.strictObject(shape, { error: keys.length > 5 ? 'a map' : `a map with ${keys.join(', ')}` })
}

/** A list of values of one kind. */
export function list<S extends z.ZodType>(item: S, what: string) {
  return z.array(item, { error: `a list of ${what}` }).min(1, { error: `a list of at least one of ${what}` })
}

/** One of some words. */
export function oneOf<const T extends string>(words: readonly T[]) {
  return z.enum(words, { error: `one of ${words.join(', ')}` })
}

/** The same where a map may stand in its place: `expectation` names both. */
export function word<const T extends string>(words: readonly T[], expectation: string) {
  return textKind(expectation, (text) => {
    const found = words.find((known) => known === text)
    if (found === undefined) throw new Refused()
    return found
  }).meta({ enum: [...words] })
}

/** `true` or `false`; their text too, because the environment gives text. */
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false'], { error: 'true or false' })], { error: 'true or false' })
  .transform((value) => value === true || value === 'true')
  .meta({ type: 'boolean', anyOf: undefined })

/** A TCP port; 0 is any free one. Its text too, because the environment gives text. */
export const port = wholeNumber(0, 65_535, 'a port from 0 to 65535')

/** A whole number or its text. */
export function wholeNumber(least: number, most: number, expectation: string) {
  return z
    .union([z.number(), z.string()], { error: expectation })
    .transform((value, context) => {
      const number = typeof value === 'number' ? value : /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
      if (Number.isInteger(number) && number >= least && number <= most) return number
      context.addIssue({ code: 'custom', message: expectation })
      return z.NEVER
    })
    .meta({ type: 'integer', minimum: least, maximum: most, anyOf: undefined })
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const LONGEST = 24 * 3_600_000
const DURATION = /^(\d{1,9})(ms|s|m|h)$/

/** `500ms`, `5s`, `2m` or `1h`, in milliseconds; at most a day. */
export const duration = durationFrom(1)

/** The same with `0s`, which means at once. */
export const durationOrZero = durationFrom(0)

function durationFrom(least: number) {
  return textKind('a duration such as 500ms, 5s, 2m or 1h, at most 24h', (text) => {
    const match = DURATION.exec(text)
    const milliseconds = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN)
    if (!(milliseconds >= least && milliseconds <= LONGEST)) throw new Refused()
    return milliseconds
  }).meta({ pattern: DURATION.source, examples: ['500ms', '5s', '2m', '1h'] })
}

const PERCENT = /^(\d{1,3}(?:\.\d{1,6})?)%$/

/** `5%`, as a fraction: 0.05. */
export const share = textKind('a percentage such as 5% or 0.5%, above 0% and at most 100%', (text) => {
  const percent = Number(PERCENT.exec(text)?.[1] ?? Number.NaN)
  if (!(percent > 0 && percent <= 100)) throw new Refused()
  // 0.07 × 100 is not 7 in binary: rounding keeps what was written.
  return Number((percent / 100).toFixed(8))
}).meta({ pattern: PERCENT.source, examples: ['5%', '0.5%'] })

/** Text that must not be empty. */
export function someText(expectation: string) {
  return z.string({ error: expectation }).min(1, { error: expectation })
}

/** An address or a CIDR block, as a block: `10.0.0.1` is `10.0.0.1/32`. */
export const block = textKind('an IP address or a CIDR block such as 10.0.0.0/8', (text) => {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text)
  const address = match?.[1] ?? ''
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const bits = match?.[2] === undefined ? longest : Number(match[2])
  if (family === 0 || bits > longest) throw new Refused()
  return `${address}/${bits}`
}).meta({ examples: ['10.0.0.0/8', '192.0.2.7'] })

/** An address to bind: an IP address, or `localhost`. */
export const bindHost = textKind('an IP address to bind such as 127.0.0.1, or localhost', (text) => {
  if (isIP(text) === 0 && text !== 'localhost') throw new Refused()
  return text
}).meta({ examples: ['127.0.0.1', '::1', '0.0.0.0'] })
