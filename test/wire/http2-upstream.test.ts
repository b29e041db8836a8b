import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Frame,
  frame,
  framesOf,
  GOAWAY,
  get,
  HEADERS,
  http2Client,
  number,
  PING,
  PREFACE,
  post,
  RST_STREAM,
  SETTINGS,
  setting,
  WINDOW_UPDATE,
} from './http2-client.ts'
import {
  client,
  deferred,
  eventually,
  get as http1Get,
  later,
  problemOf,
  published,
  router,
  settled,
  statusOf,
  talk,
} from './support.ts'

const REFUSED_STREAM = 7
const INTERNAL_ERROR = 2

/** A server in frames of its own making; each connection's frames, and how to send. */
type FrameServer = { readonly port: number; readonly connections: FrameConnection[] }
type FrameConnection = {
  readonly frames: Frame[]
  send(type: number, flags: number, id: number, payload?: Buffer | readonly number[]): void
  end(): void
  closed: boolean
}

async function frameServer(
  onRequest: (connection: FrameConnection, head: Frame, index: number) => void,
  settings: Buffer = Buffer.alloc(0),
): Promise<FrameServer> {
  const connections: FrameConnection[] = []
  let requests = 0
  const server = createServer((socket) => {
    const frames: Frame[] = []
    const connection: FrameConnection = {
      frames,
      closed: false,
      send: (type, flags, id, payload = []) => {
        socket.write(frame(type, flags, id, payload))
      },
      end: () => {
        socket.destroy()
      },
    }
    connections.push(connection)
    later(() => {
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      connection.closed = true
    })
    let seen = 0
    framesOf(socket, frames, PREFACE.length, () => {
      for (; seen < frames.length; seen++) {
        const one = frames[seen]
        if (one?.type === SETTINGS && (one.flags & ACK) === 0) connection.send(SETTINGS, ACK, 0)
        if (one?.type === HEADERS && one.fields.some((field) => field.startsWith(':method')))
          onRequest(connection, one, requests++)
      }
    })
    connection.send(SETTINGS, 0, 0, settings)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, connections }
}

function answer(connection: FrameConnection, id: number, body = 'ok'): void {
  connection.send(HEADERS, END_HEADERS, id, block([':status: 200']))
  connection.send(DATA, END_STREAM, id, Buffer.from(body))
}

/** A router before an upstream that speaks HTTP/2. */
async function routedTo(port: number, over: Parameters<typeof router>[0]['upstreams'][string] = {}): Promise<number> {
  return (await router({ upstreams: { vets: { ports: [port], transport: 'http2', ...over } } })).port
}

/** Node's own server, which shares no code with the router. */
async function nodeServer(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, raw: string[]) => void,
) {
  const sessions: http2.ServerHttp2Session[] = []
  const server = http2.createServer()
  server.on('session', (session) => sessions.push(session))
  server.on('stream', (stream, headers, _flags, raw) => {
    stream.on('error', () => {})
    onStream(stream, headers, raw as unknown as string[])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  later(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sessions }
}

describe('an upstream that speaks HTTP/2', () => {
  it('H36: gets what an HTTP/1.1 client asked, and its answer goes back', async () => {
    const heads: string[][] = []
    const upstream = await nodeServer((stream, _headers, raw) => {
      heads.push(raw)
      stream.respond({ ':status': 200, 'x-up': '1', 'content-length': '2' })
      stream.end('ok')
    })
    const port = await routedTo(upstream.port)
    const text = await talk(port, http1Get('/a?b', 'X-Mine: 1', 'TE: gzip', 'Keep-Alive: 1'))
    expect(text).toMatch(
      /^HTTP\/1\.1 200 OK\r\nx-up: 1\r\ncontent-length: 2\r\ndate: [^\r]*\r\nVia: 2\.0 banyan\r\nConnection: close\r\n\r\nok$/,
    )
    const pairs = heads[0]?.flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []))
    expect(pairs?.filter((pair) => !pair.startsWith('x-request-id'))).toEqual([
      ':method: GET',
      ':scheme: http',
      ':authority: shop.test',
      ':path: /a?b',
      'x-mine: 1',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-host: shop.test',
      'x-forwarded-proto: http',
      'via: 1.1 banyan',
      'te: trailers',
    ])
  })

  it('H36: bodies and trailers pass both ways between HTTP/1.1 and HTTP/2', async () => {
    const trailers = deferred<http2.IncomingHttpHeaders>()
    const upstream = await nodeServer((stream) => {
      stream.on('trailers', trailers.resolve)
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9' }))
      stream.pipe(stream)
    })
    const port = await routedTo(upstream.port)
    const text = await talk(
      port,
      'POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Check: 7\r\n\r\n',
    )
    expect(text).toContain('\r\nTransfer-Encoding: chunked\r\n')
    expect(text).toMatch(/abc(?:\r\n2\r\n)?de\r\n/)
    expect(text).toMatch(/0\r\nx-sum: 9\r\n\r\n$/)
    expect((await trailers.promise)['x-check']).toBe('7')
  })

  it('H36: both sides in HTTP/2: large bodies pass whole', async () => {
    const upstream = await nodeServer((stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const port = await routedTo(upstream.port)
    const session = http2.connect(`http://127.0.0.1:${port}`)
    later(() => session.destroy())
    const sent = Buffer.alloc(3_000_000, 'abcdefg')
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.end(sent)
    const got: Buffer[] = []
    for await (const part of stream) got.push(part)
    expect(Buffer.concat(got).equals(sent)).toBe(true)
  })

  it.each([
    {
      why: 'an answer without a body',
      method: 'GET',
      respond: { ':status': 200 },
      pattern: /\r\nTransfer-Encoding: chunked\r\n[\s\S]*\r\n\r\n0\r\n\r\n$/,
    },
    {
      why: '204',
      method: 'GET',
      respond: { ':status': 204 },
      pattern: /^HTTP\/1\.1 204 No Content\r\n(?!.*ncoding)[\s\S]*\r\n\r\n$/,
    },
    {
      why: 'the head of a GET',
      method: 'HEAD',
      respond: { ':status': 200, 'content-length': '7' },
      pattern: /\r\ncontent-length: 7\r\n[\s\S]*\r\n\r\n$/,
    },
  ])('H36: $why is framed for HTTP/1.1', async ({ method, respond, pattern }) => {
    const upstream = await nodeServer((stream) => {
      stream.respond(respond, { endStream: true })
    })
    const port = await routedTo(upstream.port)
    const text = await talk(port, http1Get('/').replace('GET', method))
    expect(text).toMatch(pattern)
  })

  it('H36: requests share a connection', async () => {
    const upstream = await nodeServer((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('ok')
    })
    const port = await routedTo(upstream.port)
    await Promise.all(Array.from({ length: 50 }, () => talk(port, http1Get('/'))))
    expect(upstream.sessions).toHaveLength(1)
  })

  it('H36: as many streams as the server allows at once; more connections take the rest', async () => {
    const open: [FrameConnection, number][] = []
    const upstream = await frameServer((connection, { id }) => open.push([connection, id]), setting(3, 2))
    const port = await routedTo(upstream.port)
    const first = client(port, http1Get('/'))
    await eventually(() => open.length === 1)
    const others = Array.from({ length: 4 }, () => client(port, http1Get('/')))
    await eventually(() => open.length === 5)
    const counts = upstream.connections.map(({ frames }) => frames.filter(({ type }) => type === HEADERS).length)
    expect(counts.sort()).toEqual([1, 2, 2])
    for (const [connection, id] of open) answer(connection, id)
    for (const one of await Promise.all([first, ...others]))
      expect(await one.until(/ok\r\n0\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('H36: a stream it refuses is sent again, whatever the method', async () => {
    const upstream = await frameServer((connection, { id }, index) => {
      if (index === 0) connection.send(RST_STREAM, 0, id, number(REFUSED_STREAM))
      else answer(connection, id)
    })
    const port = await routedTo(upstream.port)
    const text = await talk(
      port,
      'POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    )
    expect(statusOf(text)).toBe(200)
    const bodies = upstream.connections.flatMap(({ frames }) => frames.filter(({ type }) => type === DATA))
    expect(bodies.at(-1)?.payload.toString()).toBe('abc')
  })

  it('H36: what it did not process before it went away is sent to another connection, and only that', async () => {
    const seen: string[] = []
    const upstream = await frameServer((connection, { id, fields }, index) => {
      seen.push(fields.find((field) => field.startsWith(':path')) ?? '')
      if (index === 1) connection.send(GOAWAY, 0, 0, Buffer.concat([number(1), number(0)]))
      if (index >= 1) answer(index === 1 ? connection : connection, index === 1 ? 1 : id)
    })
    const port = await routedTo(upstream.port)
    const one = await client(port, http1Get('/first').replace('GET', 'POST'))
    await eventually(() => seen.length === 1)
    const two = await client(port, http1Get('/second').replace('GET', 'POST'))
    expect(statusOf(await one.until(/ok/))).toBe(200)
    expect(statusOf(await two.until(/ok/))).toBe(200)
    expect(seen).toEqual([':path: /first', ':path: /second', ':path: /second'])
    expect(upstream.connections).toHaveLength(2)
    await eventually(() => upstream.connections[0]?.closed === true)
  })

  it('H36: one that refuses again and again is 502', async () => {
    const upstream = await frameServer((connection, { id }) =>
      connection.send(RST_STREAM, 0, id, number(REFUSED_STREAM)),
    )
    const port = await routedTo(upstream.port)
    const text = await talk(port, http1Get('/').replace('GET', 'POST'))
    expect(problemOf(text).code).toBe('connection_reset')
    expect(upstream.connections.flatMap(({ frames }) => frames.filter(({ type }) => type === HEADERS))).toHaveLength(4)
  })

  it('H29, H36: a reset in mid-body is a reset downstream', async () => {
    const upstream = await frameServer((connection, { id }) => {
      connection.send(HEADERS, END_HEADERS, id, block([':status: 200']))
      connection.send(DATA, 0, id, Buffer.from('par'))
      setTimeout(() => connection.send(RST_STREAM, 0, id, number(INTERNAL_ERROR)), 20)
    })
    const port = await routedTo(upstream.port)
    const one = await client(port, http1Get('/'))
    expect(await one.closed).toBe('reset')
    const two = await http2Client(port)
    two.request(1, get())
    expect((await two.answer(1)).reset).toBe(INTERNAL_ERROR)
  })

  it('H31, H36: a connection that is lost before anything of the answer came: GET is sent again, POST is 502', async () => {
    let lose = false
    const upstream = await frameServer((connection, { id }) => {
      if (lose) connection.end()
      else answer(connection, id)
      lose = false
    })
    const port = await routedTo(upstream.port)
    await talk(port, http1Get('/'))
    lose = true
    expect(statusOf(await talk(port, http1Get('/')))).toBe(200)
    lose = true
    expect(problemOf(await talk(port, http1Get('/').replace('GET', 'POST'))).code).toBe('connection_reset')
  })

  it.each([
    { why: 'no :status', head: ['x: 1'] },
    { why: 'a status of two digits', head: [':status: 20'] },
    { why: '101', head: [':status: 101'] },
    { why: 'a name in upper case', head: [':status: 200', 'X-A: 1'] },
    { why: 'a line break in a value', head: [':status: 200', 'x: a\r\nb: c'] },
    { why: 'Transfer-Encoding', head: [':status: 200', 'transfer-encoding: chunked'] },
    { why: 'two Content-Lengths', head: [':status: 200', 'content-length: 2', 'content-length: 2'] },
    { why: 'a request pseudo-header', head: [':status: 200', ':path: /'] },
  ])('H27, H36: an answer with $why is 502', async ({ head }) => {
    const upstream = await frameServer((connection, { id }) => {
      connection.send(HEADERS, END_HEADERS | END_STREAM, id, block(head))
    })
    const port = await routedTo(upstream.port)
    expect(problemOf(await talk(port, http1Get('/'))).code).toBe('response_malformed')
  })

  it('H27, H36: a server that speaks HTTP/1.1 is 502, and nothing was asked of it', async () => {
    const received: string[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        received.push(bytes.toString('latin1'))
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    later(() => {
      server.close()
    })
    const port = await routedTo((server.address() as AddressInfo).port)
    expect(problemOf(await talk(port, http1Get('/secret'))).code).toBe('response_malformed')
    expect(received.join('')).not.toContain('secret')
  })

  it('H32, H36: a client that leaves resets the stream within 100 ms', async () => {
    const open = deferred<FrameConnection>()
    const upstream = await frameServer((connection) => open.resolve(connection))
    const port = await routedTo(upstream.port)
    const one = await client(port, http1Get('/'))
    const connection = await open.promise
    const left = performance.now()
    one.socket.destroy()
    await eventually(() => connection.frames.some(({ type }) => type === RST_STREAM))
    expect(performance.now() - left).toBeLessThan(100)
    expect(connection.closed).toBe(false)
  })

  it('H32, H36: clients that cancel never use up what a server allows of that on one connection', async () => {
    const upstream = await frameServer((connection, { id, fields }) => {
      if (fields.includes(':path: /')) answer(connection, id)
    })
    const port = await routedTo(upstream.port)
    const one = await http2Client(port)
    for (let id = 1; id < 1000; id += 2) {
      one.request(id, id % 10 === 1 ? get() : get('/wait'))
      if (id % 10 === 1) await one.answer(id)
      else {
        one.send(RST_STREAM, 0, id, number(8))
      }
    }
    one.request(1001, get())
    expect((await one.answer(1001)).body).toBe('ok')
    await eventually(() => upstream.connections.length >= 4)
    const resets = upstream.connections.map(({ frames }) => frames.filter(({ type }) => type === RST_STREAM).length)
    expect(Math.max(...resets)).toBeLessThanOrEqual(110)
  })

  it('H11, H36: a server that does not answer is 504, and is asked whether it is there', async () => {
    const upstream = await frameServer(() => {})
    const timeouts = { connect: 2000, firstByte: 100, idle: 1000, total: undefined }
    const port = await routedTo(upstream.port, { timeouts })
    expect(problemOf(await talk(port, http1Get('/'))).code).toBe('connection_read_timeout')
    await eventually(() => upstream.connections[0]?.frames.some(({ type }) => type === PING) === true)
  })

  it('H34, H36: a slow reader holds its own stream back, and no other', async () => {
    let sent = 0
    const upstream = await nodeServer((stream, headers) => {
      stream.respond({ ':status': 200 })
      if (headers[':path'] === '/small') {
        stream.end('ok')
        return
      }
      const more = (): void => {
        while (sent < 100_000_000) {
          sent += 16_384
          if (!stream.write(Buffer.alloc(16_384))) {
            stream.once('drain', more)
            return
          }
        }
      }
      more()
    })
    const port = await routedTo(upstream.port)
    const slow = await client(port, http1Get('/big'))
    slow.socket.pause()
    expect(await settled(() => sent)).toBeLessThan(20_000_000)
    expect(await talk(port, http1Get('/small'))).toMatch(/ok\r\n0\r\n\r\n$/)
    expect(upstream.sessions).toHaveLength(1)
  })

  it('H36: an unreachable one is 502, and no pool is left waiting', async () => {
    const upstream = await nodeServer(() => {})
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port: closed } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const port = await routedTo(closed)
    for (let turn = 0; turn < 3; turn++)
      expect(problemOf(await talk(port, http1Get('/'))).code).toBe('connection_refused')
    const two = (
      await router({
        upstreams: {
          vets: {
            ports: [closed, upstream.port],
            transport: 'http2',
            timeouts: { connect: 1000, firstByte: 200, idle: 200, total: undefined },
          },
        },
      })
    ).port
    expect(problemOf(await talk(two, http1Get('/').replace('GET', 'POST'))).code).toBe('connection_read_timeout')
  })

  it('H36: an early answer is relayed, and the rest of the request is not sent', async () => {
    const upstream = await frameServer((connection, { id }) => answer(connection, id, 'no'))
    const port = await routedTo(upstream.port)
    const one = await http2Client(port)
    one.request(1, post(), false)
    one.send(DATA, 0, 1, Buffer.from('first'))
    const { body, reset } = await one.answer(1)
    expect(body).toBe('no')
    await one.until(({ type, id }) => type === RST_STREAM && id === 1)
    expect([undefined, 0]).toContain(reset)
    await eventually(() => upstream.connections[0]?.frames.some(({ type }) => type === RST_STREAM) === true)
  })

  it.each([
    ['ends the stream without an error', (to: FrameConnection, id: number) => to.send(RST_STREAM, 0, id, number(0))],
    ['leaves', (to: FrameConnection) => to.end()],
  ])('H29, H36: a whole answer reaches a slow client, though its server then %s', async (_, then) => {
    const upstream = await frameServer((connection, { id }) => {
      connection.send(HEADERS, END_HEADERS, id, block([':status: 200']))
      connection.send(DATA, 0, id, Buffer.alloc(500, 'a'))
    })
    const port = await routedTo(upstream.port)
    const slow = await http2Client(port, false)
    slow.socket.write(PREFACE, 'latin1')
    slow.send(SETTINGS, 0, 0, setting(4, 10))
    slow.request(1, get())
    await slow.until(({ type }) => type === DATA)
    const [connection] = upstream.connections
    const id = connection?.frames.find(({ type }) => type === HEADERS)?.id ?? 0
    if (connection === undefined) throw new Error('the router has made no connection')
    connection.send(DATA, END_STREAM, id, Buffer.alloc(500, 'b'))
    then(connection, id)
    const other = await http2Client(port)
    other.request(1, get())
    await other.until(({ type }) => type === DATA)
    slow.send(WINDOW_UPDATE, 0, 1, number(100_000))
    const { body, reset } = await slow.answer(1)
    expect({ length: body.length, reset }).toEqual({ length: 1000, reset: undefined })
  })

  it('H36: its connections end with the router, and with the plan that names it', async () => {
    const upstream = await frameServer((connection, { id, fields }) => {
      if (fields.includes(':path: /')) answer(connection, id)
    })
    const setup = { upstreams: { vets: { ports: [upstream.port], transport: 'http2' } } }
    const first = await router(setup)
    const waiting = await client(first.port, http1Get('/wait'))
    await eventually(() => upstream.connections.length === 1)
    await first.plane.apply(published({ upstreams: { vets: { ports: [] } }, revision: 2 }))
    await eventually(() => first.plane.draining().length === 1)
    waiting.socket.destroy()
    await eventually(() => upstream.connections[0]?.closed === true)

    const second = await router(setup)
    await client(second.port, http1Get('/wait'))
    expect(statusOf(await talk(second.port, http1Get('/')))).toBe(200)
    expect(upstream.connections).toHaveLength(2)
    await second.plane.close()
    await eventually(() => upstream.connections[1]?.closed === true)
  })
})
