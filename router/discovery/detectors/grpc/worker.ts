import { own } from '../../../kernel/own.ts'
import { arrayOf, textOf } from '../../json.ts'
import { serveBytes } from '../../reading.ts'
import { readDescriptors } from './read.ts'

serveBytes((bytes, hints) => readDescriptors(bytes, arrayOf(own(hints, 'services')).map(textOf)))
