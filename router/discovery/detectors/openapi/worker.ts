import { own } from '../../../kernel/own.ts'
import { arrayOf, textOf } from '../../json.ts'
import { serveReading } from '../../reading.ts'
import { readOpenapi } from './read.ts'

serveReading((document, hints) =>
  readOpenapi(document, {
    place: textOf(own(hints, 'place')),
    hosts: arrayOf(own(hints, 'hosts')).map(textOf),
    prefix: textOf(own(hints, 'prefix')),
  }),
)
