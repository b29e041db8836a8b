import { run } from '../serve.ts'
import { startOwners } from './server.ts'

run('owners', 8103, startOwners)
