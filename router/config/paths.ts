import { dirname, resolve } from 'node:path'

/** A path written in the file: relative ones are relative to the file's own folder. */
export function absolutePath(file: string, written: string): string {
  return resolve(dirname(file), written)
}

/** `file:PATH` with the path made absolute; undefined where the text is no such reference. */
export function absoluteReference(file: string, written: string): string | undefined {
  return written.startsWith('file:') ? `file:${absolutePath(file, written.slice('file:'.length))}` : undefined
}
