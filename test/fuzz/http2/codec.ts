import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as DownstreamModule from '../../../router/dataplane/http2/downstream.ts'
import type * as HeadLines from '../../../router/dataplane/http2/head-lines.ts'
import type * as DecoderModule from '../../../router/dataplane/http2/hpack/decoder.ts'
import type * as EncoderModule from '../../../router/dataplane/http2/hpack/encoder.ts'
import type * as UpstreamModule from '../../../router/dataplane/http2/upstream.ts'
import type * as UpstreamStreamModule from '../../../router/dataplane/http2/upstream-stream.ts'
import type * as WheelModule from '../../../router/dataplane/wheel.ts'

export type Http2Codec = Pick<typeof DownstreamModule, 'DownstreamSession'> &
  Pick<typeof UpstreamModule, 'UpstreamSession'> &
  Pick<typeof UpstreamStreamModule, 'UpstreamStream'> &
  Pick<typeof DecoderModule, 'Decoder'> &
  Pick<typeof EncoderModule, 'Encoder'> &
  Pick<typeof HeadLines, 'encodeLines'> &
  Pick<typeof WheelModule, 'Wheel'>

/** The codec of HTTP/2 from these sources: `router/` itself, or a copy of it. */
export async function loadHttp2Codec(router: string): Promise<Http2Codec> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(router, 'dataplane', file)).href)
  const { DownstreamSession } = (await load('http2/downstream.ts')) as typeof DownstreamModule
  const { UpstreamSession } = (await load('http2/upstream.ts')) as typeof UpstreamModule
  const { UpstreamStream } = (await load('http2/upstream-stream.ts')) as typeof UpstreamStreamModule
  const { Decoder } = (await load('http2/hpack/decoder.ts')) as typeof DecoderModule
  const { Encoder } = (await load('http2/hpack/encoder.ts')) as typeof EncoderModule
  const { encodeLines } = (await load('http2/head-lines.ts')) as typeof HeadLines
  const { Wheel } = (await load('wheel.ts')) as typeof WheelModule
  return { DownstreamSession, UpstreamSession, UpstreamStream, Decoder, Encoder, encodeLines, Wheel }
}
