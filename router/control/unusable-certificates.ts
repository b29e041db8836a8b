import { readAuthorities, readCredentials } from '../kernel/tls/credentials.ts'
import type { ListenerSpec } from '../model/spec.ts'

/** Why listeners could not do TLS with the files they name, as the world is now, a sentence each; none: they could. */
export async function unusableCertificates(listen: readonly ListenerSpec[]): Promise<readonly string[]> {
  const reading = listen.flatMap(({ tls }, index) => {
    if (tls === undefined) return []
    const ca = tls.clientCertificates?.ca
    const files = [...tls.certificates.map(readCredentials), ...(ca === undefined ? [] : [readAuthorities(ca)])]
    return files.map((read) => problemOf(read, `listen[${index}].tls`))
  })
  return (await Promise.all(reading)).filter((problem) => problem !== undefined)
}

async function problemOf(read: Promise<unknown>, key: string): Promise<string | undefined> {
  try {
    await read
    return undefined
  } catch (error) {
    return `${key}: ${error instanceof Error ? error.message : String(error)}`
  }
}
