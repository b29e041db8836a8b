import { relative } from 'node:path'
import type { Diagnostic } from '../model/diagnostic.ts'

export type FormatOptions = {
  /** Files are shown relative to this folder where they are below it. */
  readonly folder?: string
  /** Follows the counts: `kept plan 8f3ac1 of 12:04:51`. */
  readonly outcome?: string
}

/** `2 errors, 1 warning`. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length
  return `${plural(errors, 'error')}, ${plural(diagnostics.length - errors, 'warning')}`
}

/** Both, in the order of the file; what both found, in whatever words, is kept as `first` has it. */
export function mergeDiagnostics(first: readonly Diagnostic[], second: readonly Diagnostic[]): readonly Diagnostic[] {
  const keyOf = ({ code, path, message }: Diagnostic): string => `${code} ${path ?? message}`
  const all = new Map([...second, ...first].map((diagnostic) => [keyOf(diagnostic), diagnostic]))
  return [...all.values()].sort(
    (a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0),
  )
}

/** One line a problem, `file:line:column  path  message`, hints below, and a last line that counts. No final newline. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], options: FormatOptions = {}): string {
  const places = diagnostics.map((diagnostic) => placeOf(diagnostic, options.folder))
  const width = Math.max(0, ...places.map((place) => place.length))
  const lines = diagnostics.map((diagnostic, index) => {
    const at = places[index] ?? ''
    const place = at === '' ? '' : `${at.padEnd(width)}  `
    const path = diagnostic.path === undefined ? '' : `${diagnostic.path}  `
    const severity = diagnostic.severity === 'warning' ? 'warning: ' : ''
    const hint = diagnostic.hint === undefined ? '' : `\n    hint: ${diagnostic.hint}`
    return `${place}${path}${severity}${diagnostic.message}${hint}`
  })
  const outcome = options.outcome === undefined ? '' : `; ${options.outcome}`
  return [...lines, `${countDiagnostics(diagnostics)}${outcome}`].join('\n')
}

function placeOf({ at }: Diagnostic, folder: string | undefined): string {
  if (at === undefined) return ''
  const near = folder === undefined ? at.file : relative(folder, at.file)
  return `${near === '' || near.startsWith('..') ? at.file : near}:${at.line}:${at.column}`
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
