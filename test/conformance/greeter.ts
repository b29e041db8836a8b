/** A gRPC service of all four shapes, and clients of it, by @grpc/grpc-js. Messages are text. */
import * as grpc from '@grpc/grpc-js'

const text = {
  serialize: (value: string): Buffer => Buffer.from(value),
  deserialize: (bytes: Buffer): string => bytes.toString(),
}

function method(name: string, requestStream: boolean, responseStream: boolean): grpc.MethodDefinition<string, string> {
  return {
    path: `/shop.Greeter/${name}`,
    requestStream,
    responseStream,
    requestSerialize: text.serialize,
    requestDeserialize: text.deserialize,
    responseSerialize: text.serialize,
    responseDeserialize: text.deserialize,
  }
}

export const GREETER = {
  greet: method('Greet', false, false),
  collect: method('Collect', true, false),
  count: method('Count', false, true),
  talk: method('Talk', true, true),
}

/** grpc.health.v1, its messages by hand: field 1 is the service; field 1 of the answer how it is. */
const HEALTH = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: ({ service }: { readonly service: string }): Buffer => Buffer.from(service),
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    responseSerialize: (state: number): Buffer => Buffer.from([0x08, state]),
    responseDeserialize: (bytes: Buffer): number => bytes[1] ?? 0,
  },
} as const

export type Greeter = {
  readonly port: number
  /** How services are, by name: 1 is SERVING, 2 NOT_SERVING. */
  readonly states: Map<string, number>
  /** Names of the calls that were cancelled from the other side. */
  readonly cancelled: string[]
  readonly metadata: grpc.Metadata[]
  /** Calls that have begun. */
  readonly begun: string[]
  kill(): void
}

/**
 * Serves on any free port. `greet` answers `hello NAME`, with metadata before and behind; `fail N` fails with status
 * N; `wait` never answers. `count N` says 1 to N, and then fails where it is negative. `talk` says everything back.
 */
export async function greeter(port = 0): Promise<Greeter> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
  const cancelled: string[] = []
  const metadata: grpc.Metadata[] = []
  const begun: string[] = []
  const states = new Map([['', 1]])
  server.addService(HEALTH, {
    check(call: grpc.ServerUnaryCall<{ readonly service: string }, number>, done: grpc.sendUnaryData<number>) {
      const state = states.get(call.request.service)
      if (state === undefined) done({ code: grpc.status.NOT_FOUND, details: 'unknown' })
      else done(null, state)
    },
  })
  const begin = (
    name: string,
    call: { readonly metadata: grpc.Metadata; on(event: 'cancelled', listener: () => void): unknown },
  ): void => {
    begun.push(name)
    metadata.push(call.metadata)
    call.on('cancelled', () => cancelled.push(name))
  }
  server.addService(GREETER, {
    greet(call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) {
      begin('greet', call)
      const [word = '', argument = ''] = call.request.split(' ')
      if (word === 'wait') return
      const trailer = new grpc.Metadata()
      trailer.set('x-behind', 'after')
      if (word === 'fail') {
        done({ code: Number(argument), details: 'it was asked to, für 100%', metadata: trailer })
        return
      }
      const before = new grpc.Metadata()
      before.set('x-before', 'first')
      call.sendMetadata(before)
      done(null, `hello ${call.request}`, trailer)
    },
    collect(call: grpc.ServerReadableStream<string, string>, done: grpc.sendUnaryData<string>) {
      begin('collect', call)
      const all: string[] = []
      call.on('data', (part: string) => all.push(part))
      call.on('end', () => done(null, all.join(',')))
    },
    count(call: grpc.ServerWritableStream<string, string>) {
      begin('count', call)
      const to = Number(call.request)
      for (let number = 1; number <= Math.abs(to); number++) call.write(String(number))
      if (to < 0) call.emit('error', { code: grpc.status.DATA_LOSS, details: 'no more' })
      else if (to > 0) call.end()
      else call.write('0')
    },
    talk(call: grpc.ServerDuplexStream<string, string>) {
      begin('talk', call)
      call.on('data', (part: string) => call.write(part))
      call.on('end', () => call.end())
    },
  })
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) => {
      if (error === null) resolve(at)
      else reject(error)
    })
  })
  return { port: bound, states, cancelled, metadata, begun, kill: () => server.forceShutdown() }
}

/** A client of it at this port. Close it. */
export function greeterClient(
  port: number,
  credentials = grpc.credentials.createInsecure(),
  options: grpc.ClientOptions = {},
) {
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
    'grpc.max_receive_message_length': -1,
    ...options,
  })
  const { greet, collect, count, talk } = GREETER
  const ser = text.serialize
  const de = text.deserialize
  return {
    close: () => client.close(),
    unary(request: string, callOptions: grpc.CallOptions = {}, metadata = new grpc.Metadata()) {
      let call: grpc.ClientUnaryCall | undefined
      const answer = new Promise<Told>((resolve) => {
        let head: grpc.Metadata | undefined
        call = client.makeUnaryRequest(greet.path, ser, de, request, metadata, callOptions, (error, value) => {
          // The status comes behind the callback.
          told.value = value
          told.error = error
        })
        const told: { value?: string | undefined; error?: grpc.ServiceError | null } = {}
        call.on('metadata', (sent: grpc.Metadata) => {
          head = sent
        })
        call.on('status', (status: grpc.StatusObject) =>
          setImmediate(() => resolve({ status, head, value: told.value })),
        )
      })
      return { answer, cancel: () => call?.cancel() }
    },
    collect(parts: readonly string[]): Promise<string> {
      return new Promise((resolve, reject) => {
        const call = client.makeClientStreamRequest(collect.path, ser, de, (error, value) => {
          if (error === null) resolve(value ?? '')
          else reject(error)
        })
        for (const part of parts) call.write(part)
        call.end()
      })
    },
    count: (to: number, callOptions: grpc.CallOptions = {}) =>
      client.makeServerStreamRequest(count.path, ser, de, String(to), callOptions),
    talk: (callOptions: grpc.CallOptions = {}) => client.makeBidiStreamRequest(talk.path, ser, de, callOptions),
  }
}

export type Told = {
  readonly status: grpc.StatusObject
  readonly head: grpc.Metadata | undefined
  readonly value: string | undefined
}

/** Everything that a stream says, and how it ended. */
export function listen(
  call: grpc.ClientReadableStream<string>,
  onPart: (part: string) => void = () => {},
): Promise<{ readonly parts: readonly string[]; readonly status: grpc.StatusObject }> {
  return new Promise((resolve) => {
    const parts: string[] = []
    call.on('data', (part: string) => {
      parts.push(part)
      onPart(part)
    })
    call.on('error', () => {})
    call.on('status', (status) => setImmediate(() => resolve({ parts, status })))
  })
}
