import { SourceMap, type SourceMapPayload } from 'node:module'

/** Turns positions in a function's bundle into positions in the files it was written in. */
export type Trace = {
  /** A stack with every `function.js:1:2` replaced by its source. */
  stack(stack: string): string
  /** The innermost place in the function's own files, `functions/contact/index.ts:12:9`; else in what it imports. */
  place(stack: string): string | undefined
}

/** Reads a source map (JSON, as esbuild writes it); costs its parse, so it is made when the first error comes. */
export function traceOf(sourceMap: string): Trace {
  let map: SourceMap | undefined
  const lookUp = (line: string, column: string): string | undefined => {
    map ??= new SourceMap(JSON.parse(sourceMap) as SourceMapPayload)
    const origin = map.findOrigin(Number(line), Number(column))
    return 'fileName' in origin ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}` : undefined
  }
  return {
    stack(stack) {
      return stack.replace(POSITION, (whole, line: string, column: string) => lookUp(line, column) ?? whole)
    },
    place(stack) {
      const places = [...stack.matchAll(POSITION)]
        .map(([, line = '', column = '']) => lookUp(line, column))
        .filter((place) => place !== undefined)
      return places.find((place) => !place.includes('node_modules/')) ?? places[0]
    },
  }
}

const POSITION = /\bfunction\.js:(\d+):(\d+)/g
