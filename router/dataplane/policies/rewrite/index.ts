import { canonicalPath } from '../../../kernel/canonical.ts'
import type { Policy } from '../policy.ts'

/** `prefix`: canonical, without a slash at the end, so `/` is the empty text. */
export type RewriteOptions = {
  readonly prefix?: { readonly from: string; readonly to: string }
  readonly host?: string
}

/** Changes the path and Host that go upstream. Links and Location of answers stay as the upstream wrote them. */
export const rewrite: Policy<RewriteOptions> = {
  kind: 'rewrite',
  phase: 'forward',
  words: ({ prefix, host }) =>
    [
      ...(prefix === undefined ? [] : [`path prefix ${prefix.from || '/'} becomes ${prefix.to || '/'}`]),
      ...(host === undefined ? [] : [`Host becomes ${host}`]),
    ].join('; '),
  create({ prefix, host }, { paths }) {
    const replaced = prefix === undefined ? undefined : prefixReplacer(prefix.from, prefix.to, paths === 'insensitive')
    return {
      before(request) {
        if (host !== undefined) request.sentHost = host
        if (replaced === undefined) return undefined
        const canonical = canonicalPath(replaced(request.sentPath))
        if ('error' in canonical) return { code: 'request_malformed', detail: `the rewritten path ${canonical.error}` }
        request.sentPath = canonical.path
        return undefined
      },
    }
  },
}

/**
 * Replaces a prefix of whole segments, as matching sees them: parameters (`;v=1`), empty segments and, where it is
 * folded, case do not count. A path without the prefix stays.
 */
function prefixReplacer(from: string, to: string, fold: boolean): (path: string) => string {
  const wanted = from === '' ? [] : keyOf(from, fold).slice(1).split('/')
  return (path) => {
    if (path.startsWith(from) && path.charCodeAt(from.length) === SLASH) return to + path.slice(from.length)
    const segments = path.slice(1).split('/')
    let at = 0
    for (const segment of wanted) {
      while (segments[at] === '') at++
      if (at === segments.length || keyOf(`/${segments[at]}`, fold) !== `/${segment}`) return path
      at++
    }
    const rest = segments.slice(at)
    return rest.length === 0 ? to || '/' : `${to}/${rest.join('/')}`
  }
}

const SLASH = 0x2f

/** A part of a canonical path, as matching sees it. */
function keyOf(path: string, fold: boolean): string {
  const canonical = canonicalPath(path, fold)
  return 'error' in canonical ? path : canonical.key
}
