import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadHttp2Codec } from '../../fuzz/http2/codec.ts'
import { readByCodec } from '../../fuzz/http2/downstream.ts'
import { readAnswersByCodec } from '../../fuzz/http2/upstream.ts'
import { END_HEADERS, END_STREAM, frame, PREFACE, settings, TYPE } from '../../fuzz/http2/wire.ts'

const codec = await loadHttp2Codec(join(import.meta.dirname, '../../../router'))
const INITIAL_WINDOW = 4
const PROTOCOL_ERROR = 1
/** GET / for a.test, as indexes and a literal. */
const GET = Buffer.from([0x82, 0x86, 0x84, 0x41, 6, ...Buffer.from('a.test')])
const OK = Buffer.from([0x88])

describe('a client of HTTP/2', () => {
  it('gets the trailers of an answer that had to wait for its window', () => {
    const sent = [PREFACE, settings([INITIAL_WINDOW, 5]), frame(TYPE.headers, END_HEADERS | END_STREAM, 1, GET)]
    const { wrong, error, frames } = readByCodec(codec, sent, { answer: 'when whole', body: 30 })
    expect([wrong, error]).toEqual([[], undefined])
    expect(frames.filter(({ type, id }) => type === TYPE.data && id === 1)).toHaveLength(1)
  })

  it('has its stream reset where it breaks a rule behind the answer that waits for its window', () => {
    const bad = Buffer.concat(['connection', 'close'].map((text) => Buffer.from([text.length, ...Buffer.from(text)])))
    const sent = [
      ...[PREFACE, settings([INITIAL_WINDOW, 5]), frame(TYPE.headers, END_HEADERS, 1, GET)],
      frame(TYPE.headers, END_HEADERS | END_STREAM, 1, Buffer.concat([Buffer.from([0]), bad])),
    ]
    const { wrong, resets } = readByCodec(codec, sent, { answer: 'at once', body: 30 })
    expect([wrong, [...resets]]).toEqual([[], [[1, PROTOCOL_ERROR]]])
  })

  it('hears nothing of the window of a stream behind its reset, also where much of the body was held', () => {
    const parts = Array.from({ length: 6 }, () => frame(TYPE.data, 0, 1, Buffer.alloc(16_384)))
    const bad = Buffer.from([0, 1, 0x41, 0])
    const sent = [PREFACE, settings(), frame(TYPE.headers, END_HEADERS, 1, GET), ...parts]
    const { wrong, resets, frames } = readByCodec(
      codec,
      [...sent, frame(TYPE.headers, END_HEADERS | END_STREAM, 1, bad)],
      { answer: 'never', body: 0, holds: true },
    )
    expect([wrong, [...resets]]).toEqual([[], [[1, PROTOCOL_ERROR]]])
    expect(frames.filter(({ type, id }) => type === TYPE.windowUpdate && id === 1)).toEqual([])
  })
})

describe('an upstream of HTTP/2', () => {
  it('has answered wrongly where a DATA frame comes before the head, also an empty one', () => {
    const sent = [frame(TYPE.data, 0, 1), frame(TYPE.headers, END_HEADERS | END_STREAM, 1, OK)]
    const { streams, wrong } = readAnswersByCodec(codec, settings(), sent)
    expect([streams.get(1)?.fault, streams.get(1)?.fields, wrong]).toEqual(['response_malformed', [], []])
  })
})
