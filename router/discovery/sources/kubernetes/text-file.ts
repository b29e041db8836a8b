import { readFile } from 'node:fs/promises'

/** Text of a file; rejects with what it was for. */
export async function readText(path: string, what: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new Error(`${what} cannot be read: ${error.message}`)
  })
}
