import { run } from '../serve.ts'
import { startVets } from './server.ts'

run('vets', 8102, startVets)
