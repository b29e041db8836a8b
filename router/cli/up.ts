import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { systemClock } from '../kernel/clock.ts'
import { createJsonLog } from '../kernel/json-log.ts'
import { moduleFile } from '../kernel/modules.ts'
import { runSupervisor } from '../supervisor.ts'
import { textOption, type Verb } from './verb.ts'

/** Runs the router in this process, which becomes the supervisor: imports here delay the first request. */
export const up: Verb = {
  name: 'up',
  summary: 'runs the router',
  usage: 'up [-c FILE] [--observe]',
  example: 'banyan up -c banyan.yaml',
  help: `  -c, --config FILE  what to run (default: banyan.yaml); changes to it take effect while it runs
  --observe          everything goes to the default upstream; who implements what is found out and shown, nothing moves`,
  positionals: 0,
  options: { config: { type: 'string', short: 'c', default: 'banyan.yaml' }, observe: { type: 'boolean' } },
  run(args, io) {
    const config = resolve(io.cwd, textOption(args, 'config') ?? 'banyan.yaml')
    const observe = args.values.observe === true ? ['--observe'] : []
    return runSupervisor({
      control: { file: moduleFile(import.meta.url, '../main'), args: ['--config', config, ...observe] },
      dataplane: moduleFile(import.meta.url, '../dataplane/process'),
      // Signs what the data plane signs where the state folder cannot keep a key: the same in every process.
      env: { ...io.env, BANYAN_RUN_KEY: randomBytes(32).toString('hex') },
      clock: systemClock,
      log: createJsonLog({ write: io.out, now: systemClock.now, pretty: io.terminal }),
      signals: process,
    })
  },
}
