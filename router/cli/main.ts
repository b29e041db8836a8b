import { runCommand } from './command.ts'
import { VERBS } from './verbs.ts'

/** Root of the `banyan` command; bin/banyan.js starts it on the right runtime. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `banyan operations | head`: whoever was reading has read enough.
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runCommand(process.argv.slice(2), VERBS, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  terminal: process.stdout.isTTY === true,
  env: process.env,
  cwd: process.cwd(),
})
