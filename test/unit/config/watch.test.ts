import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadSpec } from '../../../router/config/load.ts'
import { watchSpec } from '../../../router/config/watch.ts'
import { type Clock, systemClock } from '../../../router/kernel/clock.ts'

let folder = ''
let ended = new AbortController()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-watch-'))
  ended = new AbortController()
})

afterEach(() => {
  ended.abort()
  rmSync(folder, { recursive: true })
})

/** Watches banyan.yaml of the folder, which holds `current`, and keeps what was said. */
async function watching(current = 'debug: false\n', clock: Clock = systemClock) {
  const file = join(folder, 'banyan.yaml')
  const texts: string[] = []
  const problems: (string | undefined)[] = []
  const options = { clock, signal: ended.signal, current, onProblem: (said: string | undefined) => problems.push(said) }
  watchSpec(file, (text) => texts.push(text), options)
  await delay(20)
  return { file, texts, problems }
}

/** Waits until the list has a value: less than a poll would take, so that it is the event that was seen. */
const soon = <T>(list: readonly T[], expected: readonly T[]) =>
  vi.waitFor(() => expect(list).toEqual(expected), { timeout: 1_500, interval: 5 })

describe('watching the file', () => {
  it('sees a write in place before it would look by itself', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts } = await watching()
    writeFileSync(file, 'debug: true\n')
    await soon(texts, ['debug: true\n'])
  })

  it('never passes on a file that is half written, though its first half is valid', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts } = await watching()
    let text = ''
    for (const piece of ['debug: true\n', 'grace: 1s\n', 'lameDuck: 1s\n', 'paths: insensitive\n', 'processes: 1\n']) {
      text += piece
      writeFileSync(file, text)
      await delay(50)
    }
    await soon(texts, [text])
  })

  it('sees a file renamed over it, and then the next', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts } = await watching()
    for (const text of ['debug: true\n', 'grace: 1s\n']) {
      writeFileSync(join(folder, '.banyan.yaml.swp'), text)
      renameSync(join(folder, '.banyan.yaml.swp'), file)
      await vi.waitFor(() => expect(texts.at(-1)).toBe(text), { timeout: 1_500, interval: 5 })
    }
    expect(texts).toEqual(['debug: true\n', 'grace: 1s\n'])
  })

  it("sees a ConfigMap's link swap", async () => {
    for (const [name, text] of [
      ['..v1', 'debug: false\n'],
      ['..v2', 'debug: true\n'],
    ] as const) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'banyan.yaml'), text)
    }
    symlinkSync('..v1', join(folder, '..data'))
    symlinkSync('..data/banyan.yaml', join(folder, 'banyan.yaml'))
    const { texts } = await watching()
    symlinkSync('..v2', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    await soon(texts, ['debug: true\n'])
  })

  it('says that the file is gone, and that it is back', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts, problems } = await watching()
    rmSync(file)
    const gone = 'the file does not exist; write one, or name another with -c FILE'
    await soon(problems, [gone])
    writeFileSync(file, 'debug: false\n')
    await soon(problems, [gone, undefined])
    expect(texts).toEqual([])
    writeFileSync(file, 'debug: true\n')
    await soon(texts, ['debug: true\n'])
  })

  it('says nothing where only the time of the file changed', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts } = await watching()
    writeFileSync(file, 'debug: false\n')
    await delay(250)
    expect(texts).toEqual([])
  })

  it('notices what changed before it began', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: true\n')
    const { texts } = await watching('debug: false\n')
    await soon(texts, ['debug: true\n'])
  })

  it('finds by polling what no event told, such as a folder that appears later', async () => {
    const parent = folder
    folder = join(parent, 'mounted')
    const quick: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 20, run) }
    const { texts } = await watching('debug: false\n', quick)
    mkdirSync(folder)
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: true\n')
    await soon(texts, ['debug: true\n'])
    folder = parent
  })

  it('is silent after its signal', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'debug: false\n')
    const { file, texts } = await watching()
    ended.abort()
    writeFileSync(file, 'debug: true\n')
    await delay(250)
    expect(texts).toEqual([])
  })
})

describe('loading the file', () => {
  const load = (name = 'banyan.yaml') => loadSpec(join(folder, name), { env: {}, cores: 2 })
  const said = async (name?: string) => (await load(name)).diagnostics.map((diagnostic) => diagnostic.message)

  it('knows the folders of functions', async () => {
    for (const name of ['contact', '.cache', 'node_modules'])
      mkdirSync(join(folder, 'functions', name), { recursive: true })
    writeFileSync(join(folder, 'functions', 'README.md'), '')
    const route = (to: string) => `functions: ./functions\nroutes: [{ path: /a, to: ${to} }]\n`
    writeFileSync(join(folder, 'banyan.yaml'), route('functions/contact'))
    expect((await load()).diagnostics).toEqual([])
    writeFileSync(join(folder, 'banyan.yaml'), route('functions/node_modules'))
    expect((await load()).diagnostics.map(({ hint }) => hint)).toEqual(['known: functions/contact'])
  })

  it('warns where the folder of functions is not there', async () => {
    writeFileSync(join(folder, 'banyan.yaml'), 'functions: ./functions\n')
    const { spec, diagnostics } = await load()
    expect(spec?.functions).toBe(join(folder, 'functions'))
    expect(diagnostics.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: folder "./functions" cannot be read; no functions are served',
    ])
  })

  it('says why a file cannot be read', async () => {
    expect(await said('no.yaml')).toEqual(['the file does not exist; write one, or name another with -c FILE'])
    expect(await said('.')).toEqual(['is a folder; name a file with -c FILE'])
    writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('# caf\xe9\n', 'latin1'))
    expect(await said('latin1.yaml')).toEqual(['the file is not UTF-8 text'])
    writeFileSync(join(folder, 'large.yaml'), ' '.repeat(8 * 1024 * 1024 + 1))
    expect(await said('large.yaml')).toEqual(['the file has 8388609 bytes, at most 8 MiB are read'])
  })
})
