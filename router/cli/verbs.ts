import type { VerbEntry } from './verb.ts'

/** The whole list. Add yours here, in the order of `banyan --help`, and nowhere else. */
export const VERBS: readonly VerbEntry[] = [
  { name: 'up', summary: 'runs the router', load: async () => (await import('./up.ts')).up },
  {
    name: 'init',
    summary: 'looks at a running application and writes a first banyan.yaml',
    load: async () => (await import('./init.ts')).init,
  },
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
  {
    name: 'plan',
    summary: 'shows what a configuration would change against what is running now',
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    name: 'explain',
    summary: 'says which upstream a request goes to, which rule decides, and what it beat',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'operations',
    summary: 'lists every operation: who serves it, who else implements it, how that is known',
    load: async () => (await import('./operations.ts')).operations,
  },
  {
    name: 'upstreams',
    summary: 'lists every upstream: its endpoints, what was tried to find it, what came back, what to do',
    load: async () => (await import('./upstreams.ts')).upstreams,
  },
  {
    name: 'functions',
    summary: 'lists the functions and their state; functions log NAME shows what one printed',
    load: async () => (await import('./functions.ts')).functions,
  },
  {
    name: 'learn',
    summary: 'reads operations out of access logs and HAR files, and tells the running router',
    load: async () => (await import('./learn.ts')).learn,
  },
  {
    name: 'left',
    summary: 'says what is left in the legacy application, and which of it could move',
    load: async () => (await import('./left.ts')).left,
  },
  {
    name: 'drift',
    summary: 'says where two implementers of one operation promise different things',
    load: async () => (await import('./drift.ts')).drift,
  },
  {
    name: 'shift',
    summary: 'moves a route from one upstream to another, step by step, and back at once',
    load: async () => (await import('./shift.ts')).shift,
  },
  {
    name: 'status',
    summary: 'says whether the running router is well, and what is kept back',
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'reload',
    summary: 'reads the configuration again; --processes replaces the data-plane processes too',
    load: async () => (await import('./reload.ts')).reload,
  },
  { name: 'version', summary: 'says which version this is', load: async () => (await import('./version.ts')).version },
]
