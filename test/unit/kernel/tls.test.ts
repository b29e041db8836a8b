import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../router/kernel/clock.ts'
import { invalidity, readCredentials } from '../../../router/kernel/tls/credentials.ts'
import { Kept } from '../../../router/kernel/tls/kept.ts'
import { hostNames, ownerName } from '../../../router/kernel/tls/names.ts'
import { authority, PemFolder } from '../../certificates.ts'

const folder = new PemFolder()
afterAll(() => folder.close())
const kept: { close(): void }[] = []
afterEach(() => {
  for (const one of kept.splice(0)) one.close()
})

/** The text of a file that must begin with `good`, and how to let half a second pass. */
async function keeping(file: string, ripe?: (next: string, current: string) => boolean) {
  const clock = manualClock()
  const changes: boolean[] = []
  const load = async () => {
    const text = await readFile(file, 'utf8')
    if (!text.startsWith('good')) throw new Error(`${text} is not good`)
    return text
  }
  const one = new Kept({
    files: [file],
    load,
    clock,
    changed: (renewed) => changes.push(renewed),
    ...(ripe && { ripe }),
  })
  kept.push(one)
  await one.open()
  const pass = async () => {
    clock.advance(500)
    // Looking at a file takes some turns of the loop.
    for (let count = 0; count < 200; count++) await turn()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { one, changes, pass }
}

describe('what files say, kept', () => {
  it('is read again once they have changed and rested', async () => {
    const file = folder.write('rests', 'good 1')
    const { one, changes, pass } = await keeping(file)
    await pass()
    expect([one.value, changes]).toEqual(['good 1', []])
    folder.write('rests', 'good 2')
    await pass()
    expect(one.value).toBe('good 1')
    await pass()
    expect([one.value, one.problem, changes]).toEqual(['good 2', undefined, [true]])
  })

  it('stays the last good one, with what is wrong, until it is mended', async () => {
    const file = folder.write('breaks', 'good 1')
    const { one, changes, pass } = await keeping(file)
    folder.write('breaks', 'bad')
    await pass()
    await pass()
    expect([one.value, one.problem, changes]).toEqual(['good 1', 'bad is not good', [false]])
    await pass()
    expect(changes).toEqual([false])
    folder.write('breaks', 'good 2')
    await pass()
    await pass()
    expect([one.value, one.problem, changes]).toEqual(['good 2', undefined, [false, true]])
  })

  it('is nothing where there never was one, and comes as soon as it can', async () => {
    const { one, pass } = await keeping(`${folder.path}/comes`)
    expect(one.value).toBeUndefined()
    expect(one.problem).toContain('ENOENT')
    folder.write('comes', 'good')
    await pass()
    await pass()
    expect([one.value, one.problem]).toEqual(['good', undefined])
  })

  it('waits for its time', async () => {
    let ripe = false
    const file = folder.write('ripens', 'good 1')
    const { one, changes, pass } = await keeping(file, () => ripe)
    folder.write('ripens', 'good 2')
    await pass()
    await pass()
    expect([one.value, one.problem, changes]).toEqual(['good 1', undefined, []])
    ripe = true
    await pass()
    expect([one.value, changes]).toEqual(['good 2', [true]])
  })
})

describe('a certificate', () => {
  const issued = async (options: Parameters<Awaited<ReturnType<typeof authority>>['issue']>[0]) =>
    new X509Certificate((await (await authority()).issue(options)).cert)

  it.each([
    { options: { dns: ['A.test', '*.b.test'], ip: ['127.0.0.1'] }, hosts: ['a.test', '*.b.test'], name: 'DNS:A.test' },
    { options: { uri: ['spiffe://a/b'], dns: ['a.test'] }, hosts: ['a.test'], name: 'URI:spiffe://a/b' },
    // One name that looks like two is one.
    { options: { uri: ['urn:x, DNS:evil.test'] }, hosts: [], name: 'URI:urn:x,%20DNS:evil.test' },
    { options: { name: 'a b', ip: ['127.0.0.1'] }, hosts: [], name: 'CN:a%20b' },
  ])('for $options is called $name', async ({ options, hosts, name }) => {
    const certificate = await issued(options)
    expect([hostNames(certificate), ownerName(certificate)]).toEqual([hosts, name])
  })

  it('is valid from its first moment to its last', async () => {
    const leaf = await issued({ from: 1, until: 2 })
    const from = leaf.validFromDate.getTime()
    const to = leaf.validToDate.getTime()
    expect(invalidity(leaf, 'a.crt', from - 1)).toContain('is not valid before')
    expect(invalidity(leaf, 'a.crt', from)).toBeUndefined()
    expect(invalidity(leaf, 'a.crt', to - 1)).toBeUndefined()
    expect(invalidity(leaf, 'a.crt', to)).toContain('expired on')
  })

  it('may be RSA, and is read with its key', async () => {
    const files = folder.pair('rsa', await (await authority()).issue({ dns: ['a.test'], rsa: true }))
    expect((await readCredentials(files)).leaf.checkHost('a.test')).toBe('a.test')
  })

  it('is refused without saying what is in the file of its key', async () => {
    const { cert } = folder.pair('good', await (await authority()).issue())
    const key = folder.write('secret.key', 'the secret of the house')
    const reading = readCredentials({ cert, key })
    await expect(reading).rejects.toThrow(`${key} holds no private key in PEM without a passphrase`)
    await expect(reading).rejects.not.toThrow(/secret of the house/)
  })
})
