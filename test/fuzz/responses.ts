import type { BodySink } from '../../router/dataplane/http1/chunked.ts'
import type { HeadFinder } from '../../router/dataplane/http1/head-finder.ts'
import type { ResponseHead } from '../../router/dataplane/http1/response-head.ts'
import type { Codec, CodecMessage, CodecReading } from './codec.ts'

/** Where answers to requests of one kind (`toHead`: HEADs) come from, one after the other. */
export type Answers = {
  /** Reads the pieces as the next one, interim answers first. Once one is not `idle`, nothing more can be read. */
  read(pieces: readonly string[]): CodecReading
}

/** The parts of the codec, put together as the upstream's connection does it; that class itself dials. */
export function answersOf(codec: Codec, toHead: boolean): Answers {
  const finder = new codec.HeadFinder(HEAD_LIMIT)
  const head = new codec.ResponseHead()
  const readHead = (length: number): boolean => {
    if (finder.repeated) return true
    finder.forget()
    if (!codec.parseResponseHead(finder, length, toHead, head)) return false
    finder.remember(length)
    return true
  }
  return { read: (pieces) => readAnswer(codec, { finder, head, readHead }, pieces) }
}

type Connection = {
  readonly finder: HeadFinder
  readonly head: ResponseHead
  /** Whether the head of this length, just found, is one. */
  readHead(length: number): boolean
}

function readAnswer(codec: Codec, { finder, head, readHead }: Connection, pieces: readonly string[]): CodecReading {
  const reader = new codec.BodyReader()
  const messages: CodecMessage[] = []
  let held = Buffer.alloc(0)
  let final: CodecMessage | undefined
  const sink: BodySink = {
    bodyBytes(bytes, start, end) {
      if (final !== undefined) final.body += bytes.toString('latin1', start, end)
    },
  }
  const refuse = (refused: string): CodecReading => ({ messages, refused, idle: false })
  for (const piece of pieces) {
    held = Buffer.concat([held, Buffer.from(piece, 'latin1')])
    while (final === undefined) {
      const length = finder.find(held, 0, held.length)
      if (length === codec.INCOMPLETE) break
      if (length < 0 || !readHead(length)) return refuse('head')
      held = held.subarray(length + 2)
      const message = messageOf(head)
      if (message.status === 101) return refuse('switch')
      messages.push(message)
      if (message.status < 200) continue
      final = message
      reader.begin(head.framing, head.length)
    }
    if (final === undefined) continue
    const read = reader.read(held, 0, held.length, sink)
    if (read < 0) return refuse('body')
    held = held.subarray(read)
    final.complete = reader.done || reader.endsWithConnection
    if (!reader.done) continue
    final.trailers = reader.trailers?.list.slice(0, reader.trailers.count * 2) ?? []
    break
  }
  return { messages, refused: undefined, idle: final?.complete === true }
}

const HEAD_LIMIT = 64 * 1024

function messageOf(head: ResponseHead): CodecMessage {
  return {
    method: '',
    path: '',
    query: undefined,
    authority: undefined,
    status: head.status,
    reason: head.reason,
    minor: head.minor,
    fields: head.list.slice(0, head.count * 2),
    keepAlive: head.keepAlive,
    seen: head.seen,
    framing: head.framing,
    body: '',
    trailers: [],
    complete: head.status < 200,
    forwarded: undefined,
  }
}
