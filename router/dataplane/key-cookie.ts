import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { keyFraction } from '../kernel/hash.ts'

/** Name of our own cookie. It carries a key, never an arm, so that taking a shift back needs no new cookie. */
export const KEY_COOKIE = 'banyan-key'

/** A client's stable identity. */
export type Key = {
  readonly id: string
  /** The cookie's value: the id and its MAC. */
  readonly value: string
  /** Where the key falls in [0, 1) under the salt it was last asked for. */
  salt: string
  fraction: number
}

/** A year: users must not change sides by closing their browser. */
const MAX_AGE_S = 31_536_000
/** Keys remembered in each of two generations. */
const REMEMBERED = 10_000
const ID_BYTES = 16
const STORE_BYTES = 64 * ID_BYTES
/** 16 bytes in base64url. */
const PART = 22

/** Makes and verifies our own cookies. Verified ones are remembered, so that a known client costs two look-ups. */
export class KeyCookies {
  /** Made once: from bare bytes a MAC costs seven times as much. */
  readonly #signingKey: KeyObject
  readonly #randomBytes: (size: number) => Buffer
  /** Random bytes in store, and how many of them are used: fetched singly they cost more than the rest of a key. */
  #store: Buffer = Buffer.alloc(0)
  #used = 0
  #young = new Map<string, Key>()
  #old = new Map<string, Key>()

  constructor(signingKey: Buffer, randomBytes: (size: number) => Buffer) {
    this.#signingKey = createSecretKey(signingKey)
    this.#randomBytes = randomBytes
  }

  /** A key for a client that has none. */
  mint(): Key {
    if (this.#used + ID_BYTES > this.#store.length) {
      this.#store = this.#randomBytes(STORE_BYTES)
      this.#used = 0
    }
    const id = this.#store.toString('base64url', this.#used, this.#used + ID_BYTES)
    this.#used += ID_BYTES
    return { id, value: `${id}.${this.#mac(id).toString('base64url')}`, salt: '', fraction: 0 }
  }

  /** The key in a Cookie field; undefined where there is none that we signed. */
  find(cookie: string): Key | undefined {
    let at = cookie.indexOf(PREFIX)
    while (at >= 0) {
      if (startsPair(cookie, at)) {
        const end = cookie.indexOf(';', at)
        const key = this.#verify(cookie.slice(at + PREFIX.length, end < 0 ? undefined : end).trimEnd())
        if (key !== undefined) return key
      }
      at = cookie.indexOf(PREFIX, at + 1)
    }
    return undefined
  }

  #verify(value: string): Key | undefined {
    const known = this.#young.get(value) ?? this.#old.get(value)
    if (known !== undefined) {
      this.#remember(known)
      return known
    }
    if (!/^[\w-]{22}\.[\w-]{22}$/.test(value)) return undefined
    const id = value.slice(0, PART)
    const mac = this.#mac(id)
    // Comparing the decoded bytes would let other spellings of their last bits pass; a key has one spelling.
    if (!timingSafeEqual(Buffer.from(mac.toString('base64url')), Buffer.from(value.slice(PART + 1)))) return undefined
    const key = { id, value, salt: '', fraction: 0 }
    this.#remember(key)
    return key
  }

  #remember(key: Key): void {
    if (this.#young.has(key.value)) return
    if (this.#young.size >= REMEMBERED) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key.value, key)
  }

  #mac(id: string): Buffer {
    return createHmac('sha256', this.#signingKey).update(id).digest().subarray(0, 16)
  }
}

/** Where the key falls in [0, 1) under this salt (hexadecimal). The candidate takes it when it is below the weight. */
export function fractionOf(key: Key, salt: string): number {
  if (key.salt !== salt) {
    key.fraction = keyFraction(salt, key.id)
    key.salt = salt
  }
  return key.fraction
}

/** The Set-Cookie value that gives a client its key; one that came by TLS never sends it in plain. */
export function setCookieFor(key: Key, secure: boolean): string {
  const attributes = `Path=/; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return `${KEY_COOKIE}=${key.value}; ${attributes}`
}

/** A Cookie value without our own cookie; '' where nothing is left. */
export function withoutKey(cookie: string): string {
  if (!cookie.includes(PREFIX)) return cookie
  const kept = cookie.split(';').filter((pair) => !pair.trimStart().startsWith(PREFIX))
  return kept.join(';').trimStart()
}

const PREFIX = `${KEY_COOKIE}=`

function startsPair(cookie: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && (cookie[before] === ' ' || cookie[before] === '\t')) before--
  return before < 0 || cookie[before] === ';'
}
