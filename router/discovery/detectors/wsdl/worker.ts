import { own } from '../../../kernel/own.ts'
import { arrayOf, textOf } from '../../json.ts'
import { serveBytes } from '../../reading.ts'
import { readWsdl } from './read.ts'

serveBytes((bytes, hints) =>
  readWsdl(bytes, {
    place: textOf(own(hints, 'place')),
    hosts: arrayOf(own(hints, 'hosts')).map(textOf),
    prefix: textOf(own(hints, 'prefix')),
  }),
)
