/**
 * Cache-Control values that keep a response out of shared caches: `private` is added, `public` taken out. What is
 * stricter already (`no-store`, an unqualified `private`) stays the only word. `values` are those of all the fields.
 */
export function privateCacheControl(values: readonly string[]): string {
  if (values.length === 0) return 'private'
  const directives = values.flatMap(splitDirectives).filter((directive) => directive.toLowerCase() !== 'public')
  const strict = directives.some((directive) => /^(?:no-store|private)$/i.test(directive))
  return (strict ? directives : ['private', ...directives]).join(', ')
}

/** Splits at commas outside quoted strings; one that never ends goes to the end, so that the value is read once. */
function splitDirectives(value: string): string[] {
  const parts = value.match(/(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^",])+/g) ?? []
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
