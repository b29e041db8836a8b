/**
 * Keys that the documentation of Banyan names and this version refuses, by where they stand (`*` is any name or
 * index), with what to do instead. Delete the line of a key in the commit that adds it.
 */
export const LATER: Readonly<Record<string, string>> = {
  accessLog: 'remove it',
  lambda: 'declare an HTTP address of the function as an upstream, or use functions: for local ones',
  otlp: 'remove it; /metrics is on the status port',
  signingKeys: 'remove it; the key is made in the state folder',

  'upstreams.*.rewriteBody': 'remove it; only header fields are rewritten',
  'upstreams.*.stores': 'remove it',
  'upstreams.*.trusted': 'remove it',

  'routes.*.rewriteBody': 'remove it; only header fields are rewritten',

  'routes.*.shift.allowWriteRollback': 'remove it',
  'routes.*.shift.diffs': 'remove it; answers are not compared',
  'routes.*.shift.duration': 'remove it; weights are raised with banyan shift promote',
  'routes.*.shift.gates': 'remove it; every step waits for banyan shift promote',
  'routes.*.shift.group': 'remove it; move the routes one by one',
  'routes.*.shift.key': "remove it; the key is the router's own cookie",
  'routes.*.shift.maxHold': 'remove it',
  'routes.*.shift.minDwell': 'remove it; every step waits for banyan shift promote',
  'routes.*.shift.mirror': 'remove it; nothing is mirrored',
  'routes.*.shift.onFail': 'remove it; take a shift back with banyan shift abort',
  'routes.*.shift.onInconclusive': 'remove it; every step waits for banyan shift promote',
  'routes.*.shift.rescue': 'remove it; take a shift back with banyan shift abort',
  'routes.*.shift.soak': 'remove it; a live shift stays until the file says to: alone',
  'routes.*.shift.verdict': 'remove it; every step waits for banyan shift promote',
}

/** Values of supported keys that later versions understand: strategies of a shift. */
export const LATER_STRATEGIES: readonly string[] = ['recreate', 'ramped', 'blue-green', 'ab']

/** Values of `discovered.adopt` but `never`. */
export const LATER_ADOPT: readonly string[] = ['mirror', 'canary', 'now']

/** What to do instead of the key at this place, or undefined where no version knows it. */
export function laterRemedy(path: readonly (string | number)[], key: string): string | undefined {
  const exact = [...path, key].map((part) => (typeof part === 'number' ? '*' : part))
  if (exact[0] === 'upstreams' && exact.length > 1) exact[1] = '*'
  return Object.hasOwn(LATER, exact.join('.')) ? LATER[exact.join('.')] : undefined
}
