import { parameter, pathOf } from '../../segments.ts'

/**
 * Our template for a path of google.api.http: `{name=shelves/*}` is `shelves/{name}`, `{name=**}` at the end the
 * rest, `:verb` stays part of the last segment. Undefined: one that we cannot say, such as `**` before the end.
 */
export function templateOfHttpPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined
  const opened = path.replace(/\{([^{}=]+)=([^{}]*)\}/g, (_, name: string, pattern: string) => variable(name, pattern))
  const plain = opened.replace(/\{([^{}*]+)\}/g, (_, name: string) => parameter(name))
  const segments = plain.slice(1).split('/')
  const written = segments.map((segment, index) => segmentOf(segment, index === segments.length - 1))
  return written.some((segment) => segment === undefined) ? undefined : pathOf(written.map(String))
}

function variable(name: string, pattern: string): string {
  let count = 0
  return pattern
    .split('/')
    .map((segment) => {
      if (segment !== '*') return segment
      count += 1
      return `{${count === 1 ? name : `${name}${count}`}}`
    })
    .join('/')
}

function segmentOf(segment: string, last: boolean): string | undefined {
  if (segment === '**') return last ? '**' : undefined
  if (segment === '*') return '*'
  if (segment.includes('**')) return undefined
  return segment.replace('*', '{any}')
}
