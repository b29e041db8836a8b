import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defined, eventually, get } from './supervised.ts'

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'banyan.js')

/** The machine's own Node, which may be older than the one the router needs; else the one that runs this. */
const machineNode =
  execFileSync('which', ['-a', 'node'], { encoding: 'utf8' })
    .split('\n')
    .find((path) => path !== '' && !path.includes('node_modules')) ?? process.execPath

let folder: string
let started: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-launcher-'))
  started = []
})
afterEach(() => {
  for (const child of started) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

function banyan(node: string, ...words: string[]) {
  const child = spawn(node, [launcher, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  return { child, ended, text: () => text }
}

describe.each([
  { name: 'the machine’s Node', node: machineNode },
  { name: 'the pinned Node', node: process.execPath },
])('the launcher on $name', ({ node }) => {
  it('runs on Node 24 or later, whatever started it', async () => {
    const { ended, text } = banyan(node, 'version', '--json')
    expect(await ended).toBe(0)
    expect(Number.parseInt(JSON.parse(text()).node, 10)).toBeGreaterThanOrEqual(24)
  })

  it('passes the exit code on', async () => {
    const { ended, text } = banyan(node, 'versoin')
    expect(await ended).toBe(2)
    expect(text()).toContain('did you mean "version"?')
  })

  it('ends with 1 where there is nothing to run', async () => {
    const { ended, text } = banyan(node, 'up')
    expect(await ended).toBe(1)
    expect(text()).toContain('banyan.yaml')
  })

  it('passes a signal on: the router drains and ends with 0, with all its processes', async () => {
    writeFileSync(
      join(folder, 'banyan.yaml'),
      `listen: [{ host: 127.0.0.1, port: 0 }]
admin: { port: 0 }
status: { host: 127.0.0.1, port: 0 }
processes: 2
lameDuck: 100ms
default: clinic
upstreams:
  clinic: { tier: legacy, url: "http://127.0.0.1:9" }
`,
    )
    const { child, ended, text } = banyan(node, 'up')
    const port = await eventually(() => Number(defined(/listens on port (\d+)/.exec(text())?.[1])))
    expect((await eventually(() => get(port))).status).toBe(502)
    const run = JSON.parse(readFileSync(join(folder, '.banyan', 'run.json'), 'utf8'))
    expect(run.children).toHaveLength(3)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    await expect(get(port)).rejects.toThrow(/ECONNREFUSED/)
  })
})
