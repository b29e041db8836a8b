import { invalidity, readAuthorities, readCredentials } from '../kernel/tls/credentials.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { TlsFilesAt } from './reading.ts'

/**
 * What is wrong with the certificates that a file names, as the world is at `now`. Warnings: the file may be used all
 * the same, and is right as soon as the certificates are.
 */
export async function tlsProblems(named: readonly TlsFilesAt[], now: number): Promise<readonly Diagnostic[]> {
  const found = await Promise.all(named.map((one) => problemOf(one, now)))
  return found.flatMap((message, index): readonly Diagnostic[] => {
    const one = named[index]
    if (message === undefined || one === undefined) return []
    return [{ severity: 'warning', code: 'unusable-certificate', message, at: one.at, path: one.path }]
  })
}

async function problemOf(named: TlsFilesAt, now: number): Promise<string | undefined> {
  try {
    if (named.kind === 'authorities') {
      await readAuthorities(named.file)
      return undefined
    }
    const { leaf } = await readCredentials(named.files)
    return invalidity(leaf, named.files.cert, now)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
