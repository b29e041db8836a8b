/** Changes to the fields of one head, gathered from its policies in order: each sees what those before it made. */
export class FieldEdits {
  readonly #removed = new Set<string>()
  #added: (readonly [name: string, value: string])[] = []

  /** The field has this value and no other. */
  set(name: string, value: string): void {
    this.remove(name)
    this.append(name, value)
  }

  /** One more field line, behind those that are there. */
  append(name: string, value: string): void {
    this.#added.push([name, value])
  }

  /** No field of this name, in any case, is left. */
  remove(name: string): void {
    const lower = name.toLowerCase()
    this.#removed.add(lower)
    this.#added = this.#added.filter(([added]) => added.toLowerCase() !== lower)
  }

  /** Whether a field that is there is dropped. */
  drops(name: string): boolean {
    return this.#removed.size > 0 && this.#removed.has(name.toLowerCase())
  }

  /** Whether a field of this name, in lower case, is among those that were added. */
  adds(name: string): boolean {
    return this.#added.some(([added]) => added.toLowerCase() === name)
  }

  /** What was added, as field lines. */
  get lines(): string {
    let out = ''
    for (const [name, value] of this.#added) out += `${name}: ${value}\r\n`
    return out
  }
}

/** Changes that are the same for every request. They are made in this order: remove, set, append. */
export type FieldChanges = {
  readonly set?: Readonly<Record<string, string>>
  readonly append?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

/** A function that makes these changes. */
export function changing({ set = {}, append = {}, remove = [] }: FieldChanges): (edits: FieldEdits) => void {
  const sets = Object.entries(set)
  const appends = Object.entries(append)
  return (edits) => {
    for (const name of remove) edits.remove(name)
    for (const [name, value] of sets) edits.set(name, value)
    for (const [name, value] of appends) edits.append(name, value)
  }
}

/** Changes in words; their values may be secrets. */
export function changesWords({ set = {}, append = {}, remove = [] }: FieldChanges): string {
  const parts = [
    ['removes', remove],
    ['sets', Object.keys(set)],
    ['appends', Object.keys(append)],
  ] as const
  const said = parts.filter(([, names]) => names.length > 0).map(([verb, names]) => `${verb} ${names.join(', ')}`)
  return said.join('; ')
}
