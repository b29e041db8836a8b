#!/usr/bin/env node
// The launcher: starts the router's command on the runtime that is pinned in the repository, whatever the machine's
// own Node is. Plain JavaScript for Node 18 and later; it must not import anything that old versions lack.
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NEEDED = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
// Node refuses TypeScript below node_modules; what is installed there is compiled.
const main = join(
  root,
  ...(root.split(sep).includes('node_modules') ? ['dist', 'router', 'cli', 'main.js'] : ['router', 'cli', 'main.ts']),
)

// Compiled code is kept on disk, for the processes that this one starts too: a warm start takes half the time.
process.env.NODE_COMPILE_CACHE ??= cacheFolder()

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE)
  await import(pathToFileURL(main).href)
} else {
  runOn(pinnedRuntime())
}

/** Node of the `node` package, here or hoisted. */
function pinnedRuntime() {
  try {
    const runtime = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
    if (existsSync(runtime)) return runtime
  } catch {
    // Said below, with the remedy.
  }
  process.stderr.write(
    `banyan needs Node ${NEEDED} or later; this is ${process.version} and the pinned runtime is not installed.\n` +
      '    hint: run "npm rebuild node" where banyan is installed, or use a newer Node\n',
  )
  process.exit(1)
}

/** Becomes the other process as far as that is possible: same terminal, same signals, same end. */
function runOn(runtime) {
  const child = spawn(runtime, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  // Ctrl-C reaches the child as well; it counts signals within a second as one.
  const forward = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  child.on('error', (error) => {
    process.stderr.write(`banyan: ${runtime} cannot be started: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    for (const one of signals) process.removeListener(one, forward)
    if (signal === null) process.exit(code ?? 1)
    process.kill(process.pid, signal)
  })
}

/** Beside the installed packages, else with the user's other caches. */
function cacheFolder() {
  const near = join(root, 'node_modules', '.cache', 'banyan')
  try {
    mkdirSync(near, { recursive: true })
    accessSync(near, constants.W_OK)
    return near
  } catch {
    return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'banyan')
  }
}
