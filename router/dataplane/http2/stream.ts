import type { FieldTaker } from './hpack/decoder.ts'
import type { Encoder } from './hpack/encoder.ts'
import { Inflow, type Receiving } from './inflow.ts'
import { type Sending, StreamWriter, type WriterOwner } from './stream-writer.ts'

/** What a stream needs of its connection. */
export type StreamSession = Sending &
  Receiving & {
    /** What the peer takes on a new stream before it says so. */
    readonly peerWindow: number
    /** Its exchange has something to write once everything that arrived together has been taken. */
    touch(stream: Stream): void
    /** Tells the peer that the stream has ended before its time. */
    resetStream(id: number, code: number): void
    /** Forgets a stream that has ended on both sides. */
    forget(stream: Stream): void
  }

/** One stream as its connection knows it, whichever side has opened it. */
export abstract class Stream implements WriterOwner {
  id = 0
  readonly writer: StreamWriter
  protected readonly inflow: Inflow

  constructor() {
    this.writer = new StreamWriter(this)
    this.inflow = new Inflow(() => this.onBodyEnd())
  }

  /** Takes up the stream with this number. */
  protected attach(session: StreamSession, id: number): void {
    this.id = id
    this.writer.begin(session, id, session.peerWindow)
    this.inflow.begin(session, id)
  }

  /** Whether the peer has ended its side. */
  get remoteEnded(): boolean {
    return this.inflow.ended
  }

  /** A frame of so many bytes begins; false where they are more than was allowed. */
  onDataFrame(length: number): boolean {
    return this.inflow.reserve(length)
  }

  /** Part of a frame carried nothing. */
  onPadding(length: number): void {
    this.inflow.skip(length)
  }

  /** Who takes the fields of a header block that begins now. */
  abstract fieldTaker(): FieldTaker
  /** The block has been read. */
  abstract onBlock(endStream: boolean): void
  abstract onData(bytes: Buffer, start: number, end: number): void
  /** The peer has ended its side with a DATA frame. */
  abstract onDataEnd(): void
  /** The peer has ended the stream before its time; or it broke a rule about this stream alone, and is told so. */
  abstract onReset(code: number): void
  /** The connection has ended; `unprocessed`: the peer says that it did nothing with this stream. */
  abstract onLost(unprocessed: boolean): void
  /** Everything that arrived together has been taken. */
  abstract flush(): void
  abstract encodeHead(text: string, encoder: Encoder): number
  abstract onWritable(): void
  abstract onSent(): void
  protected abstract onBodyEnd(): void
}
