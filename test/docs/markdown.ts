import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../estate.ts'

/** A page of the documentation: its path from the repository's root, and its text. */
export type Page = { readonly path: string; readonly text: string }

/** A fenced block of code: its language, what it holds without its indentation, and where it stands. */
export type CodeBlock = { readonly language: string; readonly text: string; readonly place: string }

/** Every Markdown page of the repository, by path. */
export function markdownPages(): readonly Page[] {
  const paths = globSync('**/*.md', { cwd: ROOT, exclude: (name) => name === 'node_modules' || name === 'dist' })
  return paths.sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

/** Every fenced block of a page, in its order, wherever it is indented to. */
export function codeBlocks({ path, text }: Page): readonly CodeBlock[] {
  const fences = text.matchAll(/^([ \t]*)(`{3,})(\w*)[^\n]*\n([\s\S]*?)^[ \t]*\2[ \t]*$/gm)
  return [...fences].map(({ index, 1: indent = '', 3: language = '', 4: body = '' }) => ({
    language,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    place: `${path}:${text.slice(0, index).split('\n').length}`,
  }))
}
