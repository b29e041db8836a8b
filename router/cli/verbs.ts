import type { VerbEntry } from './verb.ts'

/** The whole list. Add yours here, in the order of `banyan --help`, and nowhere else. */
export const VERBS: readonly VerbEntry[] = [
  { name: 'up', summary: 'runs the router', load: async () => (await import('./up.ts')).up },
  {
    name: 'check',
    summary: 'validates a configuration; changes nothing',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'schema',
    summary: 'prints the JSON Schema of the configuration, for editors',
    load: async () => (await import('./schema.ts')).schema,
  },
  { name: 'version', summary: 'says which version this is', load: async () => (await import('./version.ts')).version },
]
