import type { Policed, Policy } from '../policy.ts'

/** `to`: a path or an http: or https: URL; `{path}` and `{query}` in it stand for those of the request. */
export type RedirectOptions = { readonly to: string; readonly status: number }

/** Sends every request of its route elsewhere. */
export const redirect: Policy<RedirectOptions> = {
  kind: 'redirect',
  phase: 'answer',
  words: ({ status }) => `redirects with ${status}`,
  answers: ({ status }) => status,
  create({ to, status }) {
    const place = placeFor(to)
    return { before: (request) => ({ status, fields: [['Location', place(request)]], body: '' }) }
  },
}

function placeFor(to: string): (request: Policed) => string {
  if (!/\{(?:path|query)\}/.test(to)) return () => to
  const relative = to.startsWith('/')
  return ({ path, query }) => {
    const asked = query === undefined ? '' : `?${query}`
    const place = to.replace(/\{(path|query)\}/g, (_, name) => (name === 'path' ? path : asked))
    // `//host/…` would be another host, chosen by whoever wrote the link.
    return relative ? place.replace(/^\/{2,}/, '/') : place
  }
}
