import { invalidity, readAuthorities, readCredentials } from '../kernel/tls/credentials.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { TlsFilesAt } from './reading.ts'

/**
 * What is wrong with the certificates that a file names, as the world is at `now`. Warnings: the file may be used all
 * the same, and is right as soon as the certificates are.
 */
export async function tlsProblems(named: readonly TlsFilesAt[], now: number): Promise<readonly Diagnostic[]> {
  const found = await Promise.all(named.map((one) => problemOf(one, now)))
  return found.flatMap((problem, index): readonly Diagnostic[] => {
    const one = named[index]
    if (problem === undefined || one === undefined) return []
    return [{ severity: 'warning', code: 'unusable-certificate', ...problem, at: one.at, path: one.path }]
  })
}

type Problem = { readonly message: string; readonly hint: string }

async function problemOf(named: TlsFilesAt, now: number): Promise<Problem | undefined> {
  try {
    if (named.kind === 'authorities') {
      await readAuthorities(named.file)
      return undefined
    }
    const { leaf } = await readCredentials(named.files)
    const message = invalidity(leaf, named.files.cert, now)
    return message === undefined ? undefined : { message, hint: REPLACE }
  } catch (error) {
    if (!(error instanceof Error)) return { message: String(error), hint: REPLACE }
    // Only what the operating system refused has a cause.
    return { message: error.message, hint: error.cause === undefined ? REPLACE : MAKE_READABLE }
  }
}

const AGAIN = 'it is read again as soon as it changes, without a restart'
const REPLACE = `put the right file in its place: ${AGAIN}`
const MAKE_READABLE = `put it there, readable by the router's user, or name another path, relative to this file's folder: ${AGAIN}`
