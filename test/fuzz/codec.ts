import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Body from '../../router/dataplane/http1/body.ts'
import type * as DownstreamModule from '../../router/dataplane/http1/downstream.ts'
import type * as Finder from '../../router/dataplane/http1/head-finder.ts'
import type * as Response from '../../router/dataplane/http1/response-head.ts'
import type * as Trailers from '../../router/dataplane/http1/trailers.ts'
import type * as WriterModule from '../../router/dataplane/http1/writer.ts'
import type * as RequestFields from '../../router/dataplane/request-fields.ts'
import type * as WheelModule from '../../router/dataplane/wheel.ts'
import type * as Canonical from '../../router/kernel/canonical.ts'
import { manualClock } from '../../router/kernel/clock.ts'

export type Codec = Pick<typeof Body, 'BodyReader'> &
  Pick<typeof DownstreamModule, 'Downstream'> &
  Pick<typeof Finder, 'HeadFinder' | 'INCOMPLETE'> &
  Pick<typeof Response, 'ResponseHead' | 'parseResponseHead'> &
  Pick<typeof Trailers, 'trailerLines'> &
  Pick<typeof RequestFields, 'writeRequestHead'> &
  Pick<typeof Canonical, 'canonicalPath'> &
  Pick<typeof WriterModule, 'Writer'> & { readonly wheel: WheelModule.Wheel }

/** The codec from these sources: `router/` itself, or a copy of it. */
export async function loadCodec(router: string): Promise<Codec> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(router, file)).href)
  const { BodyReader } = (await load('dataplane/http1/body.ts')) as typeof Body
  const { Downstream } = (await load('dataplane/http1/downstream.ts')) as typeof DownstreamModule
  const { HeadFinder, INCOMPLETE } = (await load('dataplane/http1/head-finder.ts')) as typeof Finder
  const { ResponseHead, parseResponseHead } = (await load('dataplane/http1/response-head.ts')) as typeof Response
  const { trailerLines } = (await load('dataplane/http1/trailers.ts')) as typeof Trailers
  const { Writer } = (await load('dataplane/http1/writer.ts')) as typeof WriterModule
  const { writeRequestHead } = (await load('dataplane/request-fields.ts')) as typeof RequestFields
  const { Wheel } = (await load('dataplane/wheel.ts')) as typeof WheelModule
  const { canonicalPath } = (await load('kernel/canonical.ts')) as typeof Canonical
  const wheel = new Wheel(manualClock())
  return {
    ...{ BodyReader, Downstream, HeadFinder, INCOMPLETE, ResponseHead, parseResponseHead },
    ...{ Writer, trailerLines, writeRequestHead, canonicalPath, wheel },
  }
}

/** One message as the codec reads it. */
export type CodecMessage = {
  readonly method: string
  readonly path: string
  readonly query: string | undefined
  readonly authority: string | undefined
  readonly status: number
  readonly reason: string
  readonly minor: number
  /** Name, value, name, value, … */
  readonly fields: readonly string[]
  readonly keepAlive: boolean
  /** Which kinds of fields it has, as bits. */
  readonly seen: number
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  body: string
  /** Behind a chunked body, as `fields`. */
  trailers: readonly string[]
  complete: boolean
  /** What was written of it for the upstream; undefined: its path has no canonical form. */
  forwarded: Forwarded | undefined
}

export type Forwarded = { readonly target: string; readonly head: string; text: string }

export type CodecReading = {
  readonly messages: readonly CodecMessage[]
  /** Why the bytes were refused. */
  readonly refused: string | undefined
  /** Waits for the beginning of another message; false: it stopped, or waits for the rest of one. */
  readonly idle: boolean
}
