import { own } from '../../../kernel/own.ts'
import { textOf } from '../../json.ts'
import { serveReading } from '../../reading.ts'
import { readMappings } from './read.ts'

serveReading((document, hints) => readMappings(document, { path: textOf(own(hints, 'path')) }))
