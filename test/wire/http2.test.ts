import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  get,
  HEADERS,
  type Http2Client,
  http2Client,
  number,
  PADDED,
  PING,
  PREFACE,
  PRIORITY,
  post,
  RST_STREAM,
  SETTINGS,
  setting,
  WINDOW_UPDATE,
} from './http2-client.ts'
import { client, deferred, eventually, get as http1Get, rawUpstream, routed, router, talk } from './support.ts'

const PROTOCOL_ERROR = 1
const FLOW_CONTROL_ERROR = 3
const STREAM_CLOSED = 5
const FRAME_SIZE_ERROR = 6
const REFUSED_STREAM = 7
const COMPRESSION_ERROR = 9

/** What the upstream received, without what the router adds. */
function sent(text: string): string {
  return text.replace(/^(?:X-Forwarded-(?:For|Host|Proto)|X-Request-Id): .*\r\n/gm, '')
}

async function goaway(one: Http2Client): Promise<number> {
  const { payload } = await one.until(({ type }) => type === GOAWAY)
  await one.closed
  return payload.readUInt32BE(4)
}

describe('HTTP/2 from a client by prior knowledge', () => {
  it('H36: a request is forwarded and its answer comes back on the stream', async () => {
    const { port, upstream } = await routed('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Up: 1\r\n\r\nok')
    const one = await http2Client(port)
    one.request(1, get('/a?b=c', 'x-mine: 1'))
    const { status, fields, body, reset } = await one.answer(1)
    expect([status, body, reset]).toEqual([200, 'ok', undefined])
    expect(fields).toEqual([':status: 200', 'content-length: 2', 'x-up: 1', 'via: 1.1 banyan'])
    expect(sent(upstream.received.join(''))).toBe(
      'GET /a?b=c HTTP/1.1\r\nHost: shop.test\r\nx-mine: 1\r\nVia: 2.0 banyan\r\n\r\n',
    )
  })

  it('H36: the preface may arrive byte by byte, and a head in any pieces', async () => {
    const { port } = await routed()
    const one = await http2Client(port, false)
    const all = Buffer.concat([
      Buffer.from(PREFACE, 'latin1'),
      frame(SETTINGS, 0, 0, []),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block(get())),
    ])
    for (const byte of all) {
      one.socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await one.answer(1)).body).toBe('ok')
  })

  it('H36: many streams are answered, each as its upstream is ready', async () => {
    const held: (() => void)[] = []
    const { port } = await routed((socket, head) => {
      const answer = (): void => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${/GET \/(\w\w)/.exec(head)?.[1]}`)
      }
      if (head.startsWith('GET /s')) held.push(answer)
      else answer()
    })
    const one = await http2Client(port)
    for (let id = 1; id < 40; id += 2) one.request(id, get(id % 4 === 1 ? `/s${id % 10}` : `/f${id % 10}`))
    expect((await one.answer(3)).body).toBe('f3')
    await eventually(() => held.length === 10)
    for (const answer of held.reverse()) answer()
    expect((await one.answer(1)).body).toBe('s1')
    expect((await one.answer(37)).body).toBe('s7')
  })

  it('H36: a body without a length goes on in chunks, with its trailers, and so comes back', async () => {
    const { port, upstream } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n')
    })
    const one = await http2Client(port)
    one.request(1, post('/', 'te: trailers'), false)
    one.send(DATA, 0, 1, Buffer.from('one'))
    one.send(DATA, PADDED, 1, Buffer.concat([Buffer.from([2]), Buffer.from('two'), Buffer.alloc(2)]))
    one.send(HEADERS, END_HEADERS | END_STREAM, 1, block(['x-check: 7']))
    const { body, trailers } = await one.answer(1)
    expect([body, trailers]).toEqual(['abc', ['x-sum: 9']])
    const all = await upstream.until((text) => text.endsWith('\r\n\r\n'))
    const [, received = ''] = all.split('\r\n\r\n')
    expect(all).toMatch(/\r\nTransfer-Encoding: chunked\r\n/)
    expect(received.replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+(?=\r\n)|\r\n/g, '')).toBe('onetwox-check: 7')
  })

  it('H36: a stated length goes on as it is', async () => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(1, post('/', 'content-length: 6'), false)
    one.send(DATA, 0, 1, Buffer.from('abc'))
    one.send(DATA, END_STREAM, 1, Buffer.from('def'))
    expect((await one.answer(1)).status).toBe(200)
    expect(upstream.received.join('')).toMatch(/\r\ncontent-length: 6\r\n[\s\S]*\r\n\r\nabcdef$/)
  })

  it('H36: crumbs of a cookie are joined where they stand', async () => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(1, get('/', 'cookie: a=1', 'x-between: 1', 'cookie: b=2', 'cookie: c=3'))
    await one.answer(1)
    expect(upstream.received.join('')).toContain('\r\ncookie: a=1; b=2; c=3\r\nx-between: 1\r\n')
  })

  it.each([
    { method: 'HEAD', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', length: '5' },
    { method: 'GET', answer: 'HTTP/1.1 204 No Content\r\n\r\n', length: undefined },
    { method: 'GET', answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', length: '5' },
  ])('H36: $method answered by $answer has no body and ends with its head', async ({ method, answer, length }) => {
    const { port } = await routed(answer)
    const one = await http2Client(port)
    one.request(1, [`:method: ${method}`, ...get().slice(1)])
    const { fields, body } = await one.answer(1)
    expect(body).toBe('')
    expect(fields.find((field) => field.startsWith('content-length'))).toBe(length && `content-length: ${length}`)
    const head = await one.until(({ type, id }) => type === HEADERS && id === 1)
    expect(head.flags & END_STREAM).toBe(END_STREAM)
  })

  it('H36: interim answers are relayed', async () => {
    const { port } = await routed(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    )
    const one = await http2Client(port)
    one.request(1, get())
    const { status, interim } = await one.answer(1)
    expect([status, interim]).toEqual([200, [[':status: 103', 'link: </a.css>']]])
  })

  it('H36: fields that speak of a connection are dropped from answers', async () => {
    const { port } = await routed(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: a\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    )
    const one = await http2Client(port)
    one.request(1, get())
    expect((await one.answer(1)).fields).toEqual([':status: 200', 'via: 1.1 banyan'])
  })

  it('H36: a large head comes in CONTINUATION frames, both ways', async () => {
    const big = 'v'.repeat(20_000)
    const { port, upstream } = await routed(`HTTP/1.1 200 OK\r\nX-Big: ${big}\r\nContent-Length: 0\r\n\r\n`)
    const one = await http2Client(port)
    const whole = block(get('/', `x-big: ${big}`))
    one.send(HEADERS, END_STREAM, 1, whole.subarray(0, 100))
    one.send(CONTINUATION, 0, 1, whole.subarray(100, 16_000))
    one.send(CONTINUATION, END_HEADERS, 1, whole.subarray(16_000))
    expect((await one.answer(1)).fields).toContain(`x-big: ${big}`)
    expect(upstream.received.join('')).toContain(`x-big: ${big}\r\n`)
    expect(one.frames.map(({ type }) => type)).toContain(CONTINUATION)
  })

  it('H36: OPTIONS * is answered here', async () => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(1, [':method: OPTIONS', ':scheme: http', ':path: *', ':authority: shop.test'])
    const { status, fields } = await one.answer(1)
    expect(status).toBe(204)
    expect(fields.join('\n')).toContain('allow: GET,')
    expect(upstream.received).toEqual([])
  })

  it('H36: HTTP/1.1 beside it is served as ever, and asking to upgrade to h2c is not heeded', async () => {
    const { port } = await routed()
    const answer = await talk(
      port,
      http1Get('/', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__').replace(
        'Connection: close',
        'Connection: close, Upgrade, HTTP2-Settings',
      ),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('H36: the preface is none behind an HTTP/1.1 request', async () => {
    const { port } = await routed()
    const one = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await one.until(/ok$/)
    one.send(PREFACE)
    expect(await one.until(/HTTP\/1\.1 505 /)).toContain('version_not_supported')
  })
})

describe('a request by HTTP/2 on its way', () => {
  it('H20: waits for 100 (Continue) from the upstream, which it gets', async () => {
    const { port, upstream } = await routed((socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'))
    const one = await http2Client(port)
    one.request(1, post('/', 'expect: 100-continue', 'content-length: 3'), false)
    await one.until(({ fields }) => fields[0] === ':status: 100')
    expect(upstream.received.join('')).toContain('\r\nexpect: 100-continue\r\n')
    one.send(DATA, END_STREAM, 1, Buffer.from('abc'))
    await upstream.until((all) => all.endsWith('\r\n\r\nabc'))
    upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    expect((await one.answer(1)).body).toBe('ok')
  })

  it('H16: what an untrusted client claims is dropped, and said afresh', async () => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(
      1,
      get(
        '/',
        'x-forwarded-for: 6.6.6.6',
        'x_forwarded_for: 6.6.6.6',
        'forwarded: for=6.6.6.6',
        'x-banyan-arm: candidate',
      ),
    )
    await one.answer(1)
    const all = upstream.received.join('')
    expect(all).not.toMatch(/6\.6\.6\.6|x-banyan/i)
    expect(all).toContain(
      '\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: shop.test\r\nX-Forwarded-Proto: http\r\n',
    )
  })

  it('H17: a third pass is 508, whichever HTTP the others were by', async () => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.request(1, get('/', 'via: 2.0 banyan, 1.1 banyan'))
    expect((await one.answer(1)).status).toBe(508)
  })

  it('H21: an answer to HEAD that has a body all the same ends there', async () => {
    const { port } = await routed('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody')
    const one = await http2Client(port)
    one.request(1, [':method: HEAD', ...get().slice(1)])
    one.request(3, get())
    expect([(await one.answer(1)).body, (await one.answer(3)).body]).toEqual(['', 'body'])
  })

  it('H11: a body that stops coming is 408; messages of a gRPC call may take their time', async () => {
    const clock = manualClock()
    const timeouts = { connect: 2000, firstByte: 600_000, idle: 600_000, total: undefined }
    const { port, upstream } = await routed(() => {}, { timeouts }, {}, { clock })
    const one = await http2Client(port)
    one.request(1, post('/upload'), false)
    one.request(3, post('/call', 'content-type: application/grpc'), false)
    one.send(DATA, 0, 1, Buffer.from('some'))
    one.send(DATA, 0, 3, Buffer.from('some'))
    await upstream.until((all) => all.split('some').length === 3)
    clock.advance(31_000)
    const { status, reset } = await one.answer(1)
    expect([status, reset]).toEqual([408, 0])
    expect(one.frames.filter(({ id }) => id === 3 && id > 0).every(({ type }) => type === WINDOW_UPDATE)).toBe(true)
  })

  it('H29: an upstream that is lost in mid-body resets the stream, and no other', async () => {
    const { port } = await routed((socket, head) => {
      if (head.startsWith('GET /whole')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')
        setTimeout(() => socket.destroy(), 20)
      }
    })
    const one = await http2Client(port)
    one.request(1, get('/part'))
    one.request(3, get('/whole'))
    expect((await one.answer(3)).body).toBe('ok')
    expect((await one.answer(1)).reset).toBe(2)
  })

  it('H28: an early answer comes at once, and the rest of the body is not waited for', async () => {
    const { port } = await routed('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    const one = await http2Client(port)
    one.request(1, post('/', 'content-length: 1000000'), false)
    one.send(DATA, 0, 1, Buffer.alloc(1000))
    const { status, body } = await one.answer(1)
    expect([status, body]).toEqual([403, 'no'])
    const reset = await one.until(({ type, id }) => type === RST_STREAM && id === 1)
    expect(reset.payload.readUInt32BE(0)).toBe(0)
    // What was on its way is nobody's fault.
    one.send(DATA, 0, 1, Buffer.alloc(1000))
    one.request(3, get())
    expect((await one.answer(3)).status).toBe(403)
  })
})

describe('a request by HTTP/2 that is refused', () => {
  it.each([
    { id: 'H8', why: 'a # in the path', fields: get('/a#b'), status: 400 },
    { id: 'H8', why: 'a bad escape', fields: get('/%zz'), status: 400 },
    { id: 'H8', why: 'GET of *', fields: get('*'), status: 400 },
    { id: 'H8', why: 'a path that does not begin with a slash', fields: get('a'), status: 400 },
    { id: 'H2', why: ':authority and Host differ', fields: get('/', 'host: other.test'), status: 400 },
    { id: 'H2', why: 'two Hosts', fields: get('/', 'host: shop.test', 'host: shop.test'), status: 400 },
    { id: 'H2', why: 'neither :authority nor Host', fields: get().slice(0, 3), status: 400 },
    { id: 'H2', why: 'user information', fields: [...get().slice(0, 3), ':authority: a@shop.test'], status: 400 },
    {
      id: 'H2',
      why: 'a scheme of something else',
      fields: [':method: GET', ':scheme: ftp', ...get().slice(2)],
      status: 400,
    },
    { id: 'H3', why: 'a signed Content-Length', fields: post('/', 'content-length: +1'), status: 400 },
    {
      id: 'H3',
      why: 'a repeated Content-Length',
      fields: post('/', 'content-length: 0', 'content-length: 0'),
      status: 400,
    },
    { id: 'H9', why: 'CONNECT', fields: [':method: CONNECT', ':authority: shop.test:443'], status: 405 },
    { id: 'H9', why: 'TRACE', fields: [':method: TRACE', ...get().slice(1)], status: 405 },
    { id: 'H10', why: 'a target over 8 KiB', fields: get(`/${'a'.repeat(8200)}`), status: 414 },
    {
      id: 'H10',
      why: 'more than 200 fields',
      fields: get('/', ...Array.from({ length: 201 }, (_, i) => `x-${i}: 1`)),
      status: 431,
    },
    { id: 'H20', why: 'an expectation nobody knows', fields: get('/', 'expect: wonders'), status: 417 },
    { id: 'H24', why: 'a path above the root', fields: get('/../a'), status: 400 },
  ])('$id, H36: $why is $status, and the connection serves on', async ({ fields, status }) => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(1, fields)
    const refused = await one.answer(1)
    expect(refused.status).toBe(status)
    expect(refused.fields).toContain('content-type: application/problem+json')
    expect(upstream.received).toEqual([])
    one.request(3, get())
    expect((await one.answer(3)).status).toBe(200)
  })

  it.each([
    { path: '/a b', status: 400 },
    { path: `/${'a'.repeat(9000)}`, status: 414 },
  ])('H21, H36: HEAD that is refused before it is read is $status without a body', async ({ path, status }) => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.request(1, [':method: HEAD', ...get(path).slice(1)])
    const refused = await one.answer(1)
    expect({ status: refused.status, body: refused.body }).toEqual({ status, body: '' })
  })

  it('H10, H36: a head over 32 KiB is 431', async () => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    const whole = block(get('/', ...Array.from({ length: 5 }, (_, index) => `x-${index}: ${'v'.repeat(8000)}`)))
    one.send(HEADERS, END_STREAM, 1, whole.subarray(0, 16_000))
    one.send(CONTINUATION, 0, 1, whole.subarray(16_000, 32_000))
    one.send(CONTINUATION, END_HEADERS, 1, whole.subarray(32_000))
    expect((await one.answer(1)).status).toBe(431)
    expect(upstream.received).toEqual([])
  })

  it.each([
    { why: 'a name in upper case', fields: get('/', 'X-Mine: 1') },
    { why: 'no :method', fields: get().slice(1) },
    { why: 'no :path', fields: [':method: GET', ':scheme: http', ':authority: shop.test'] },
    { why: 'an empty :path', fields: get('') },
    { why: 'two :paths', fields: [...get(), ':path: /b'] },
    { why: 'a pseudo-header nobody knows', fields: [...get(), ':protocol: websocket'] },
    { why: ':status', fields: [...get(), ':status: 200'] },
    { why: 'a pseudo-header behind a field', fields: [':method: GET', 'x: 1', ...get().slice(1)] },
    { why: 'Connection', fields: get('/', 'connection: close') },
    { why: 'Transfer-Encoding', fields: post('/', 'transfer-encoding: chunked') },
    { why: 'Upgrade', fields: get('/', 'upgrade: websocket') },
    { why: 'Keep-Alive', fields: get('/', 'keep-alive: 1') },
    { why: 'Proxy-Connection', fields: get('/', 'proxy-connection: 1') },
    { why: 'TE other than trailers', fields: get('/', 'te: gzip') },
    { why: 'a line break in a value', fields: get('/', 'x: a\r\nb: c') },
    { why: 'a NUL in a value', fields: get('/', 'x: a\0b') },
    { why: 'a space before a value', fields: get('/', 'x:  a') },
    { why: 'a space in a name', fields: get('/', 'x y: a') },
    { why: 'an empty name', fields: [...get(), ':: a'].map((field) => field.replace(/^:: /, ': ')) },
    { why: 'a Content-Length without a body', fields: post('/', 'content-length: 3') },
  ])('H36: $why resets the stream and nothing else', async ({ fields }) => {
    const { port, upstream } = await routed()
    const one = await http2Client(port)
    one.request(1, fields)
    const refused = await one.answer(1)
    expect([refused.status, refused.reset]).toEqual([Number.NaN, PROTOCOL_ERROR])
    expect(upstream.received).toEqual([])
    one.request(3, get())
    expect((await one.answer(3)).status).toBe(200)
  })

  it.each([
    { why: 'less', bytes: 'ab' },
    { why: 'more', bytes: 'abcd' },
  ])('H36: a body of $why than its Content-Length resets the stream, and its upstream request', async ({ bytes }) => {
    const gone = deferred()
    const { port, upstream } = await routed((socket) => {
      socket.on('close', () => gone.resolve())
    })
    const one = await http2Client(port)
    one.request(1, post('/', 'content-length: 3'), false)
    await upstream.until((text) => text.includes('content-length'))
    one.send(DATA, END_STREAM, 1, Buffer.from(bytes))
    expect((await one.answer(1)).reset).toBe(PROTOCOL_ERROR)
    await gone.promise
  })

  it.each([
    { why: 'without END_STREAM', flags: END_HEADERS, fields: ['x: 1'] },
    { why: 'with a pseudo-header', flags: END_HEADERS | END_STREAM, fields: [':path: /b'] },
  ])('H36: trailers $why reset the stream', async ({ flags, fields }) => {
    const { port } = await routed(() => {})
    const one = await http2Client(port)
    one.request(1, post(), false)
    one.send(HEADERS, flags, 1, block(fields))
    expect((await one.answer(1)).reset).toBe(PROTOCOL_ERROR)
  })

  it('H10, H36: a body over the limit of its route is 413', async () => {
    const upstream = await rawUpstream(() => {})
    const { port } = await router({
      upstreams: { clinic: { ports: [upstream.port] } },
      rules: [{ action: { kind: 'forward', upstream: 'clinic' }, policies: [{ kind: 'maxBody', options: 4 }] }],
    })
    const one = await http2Client(port)
    one.request(1, post(), false)
    one.send(DATA, 0, 1, Buffer.from('12345'))
    const { status, reset } = await one.answer(1)
    expect(status).toBe(413)
    expect(reset).toBe(0)
  })
})

describe('a connection by HTTP/2 that breaks its rules', () => {
  it.each([
    { why: 'DATA on no stream', type: DATA, id: 0, payload: [], code: PROTOCOL_ERROR },
    { why: 'DATA on a stream that was never opened', type: DATA, id: 5, payload: [], code: PROTOCOL_ERROR },
    { why: 'HEADERS on no stream', type: HEADERS, id: 0, payload: [], code: PROTOCOL_ERROR },
    { why: 'HEADERS on a stream of the server', type: HEADERS, id: 2, payload: [], code: PROTOCOL_ERROR },
    {
      why: 'a header block that is none',
      type: HEADERS,
      id: 1,
      payload: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      code: COMPRESSION_ERROR,
    },
    { why: 'an index that is not in the table', type: HEADERS, id: 1, payload: [0x80 | 70], code: COMPRESSION_ERROR },
    { why: 'PUSH_PROMISE', type: 5, id: 1, payload: [0, 0, 0, 2], code: PROTOCOL_ERROR },
    { why: 'CONTINUATION of nothing', type: CONTINUATION, id: 1, payload: [], code: PROTOCOL_ERROR },
    { why: 'SETTINGS on a stream', type: SETTINGS, id: 1, payload: [], code: PROTOCOL_ERROR },
    { why: 'SETTINGS of an odd length', type: SETTINGS, id: 0, payload: [0, 1], code: FRAME_SIZE_ERROR },
    {
      why: 'a window beyond 2^31-1',
      type: SETTINGS,
      id: 0,
      payload: [...setting(4, 2 ** 31)],
      code: FLOW_CONTROL_ERROR,
    },
    { why: 'a PING of 7 bytes', type: PING, id: 0, payload: [1, 2, 3, 4, 5, 6, 7], code: FRAME_SIZE_ERROR },
    {
      why: 'RST_STREAM of a stream that was never opened',
      type: RST_STREAM,
      id: 9,
      payload: [0, 0, 0, 8],
      code: PROTOCOL_ERROR,
    },
    { why: 'WINDOW_UPDATE by nothing', type: WINDOW_UPDATE, id: 0, payload: [0, 0, 0, 0], code: PROTOCOL_ERROR },
    {
      why: 'WINDOW_UPDATE beyond 2^31-1',
      type: WINDOW_UPDATE,
      id: 0,
      payload: [...number(2 ** 31 - 1)],
      code: FLOW_CONTROL_ERROR,
    },
    { why: 'GOAWAY on a stream', type: GOAWAY, id: 1, payload: new Array(8).fill(0), code: PROTOCOL_ERROR },
  ])('H36: $why ends it with the reason', async ({ type, id, payload, code }) => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.send(type, type === HEADERS ? END_HEADERS | END_STREAM : 0, id, payload)
    expect(await goaway(one)).toBe(code)
  })

  it('H36: a frame longer than allowed ends it', async () => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.request(1, post(), false)
    one.send(DATA, 0, 1, Buffer.alloc(16_385))
    expect(await goaway(one)).toBe(FRAME_SIZE_ERROR)
  })

  it('H36: anything but SETTINGS at first ends it', async () => {
    const { port } = await routed()
    const one = await http2Client(port, false)
    one.socket.write(PREFACE, 'latin1')
    one.send(PING, 0, 0, Buffer.alloc(8))
    expect(await goaway(one)).toBe(PROTOCOL_ERROR)
  })

  it('H36: a preface that goes on wrongly ends it', async () => {
    const { port } = await routed()
    const one = await http2Client(port, false)
    one.socket.write('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'latin1')
    expect(await goaway(one)).toBe(PROTOCOL_ERROR)
  })

  it('H36: a frame between those of a header block ends it', async () => {
    const { port } = await routed()
    const one = await http2Client(port)
    one.send(HEADERS, END_STREAM, 1, block(get()))
    one.send(PRIORITY, 0, 1, [0, 0, 0, 0, 1])
    expect(await goaway(one)).toBe(PROTOCOL_ERROR)
  })

  it('H36: more bytes on a stream than its window allows reset it', async () => {
    const { port } = await routed(() => {}, { circuit: { maxConnections: 1, maxPending: 1 } })
    const one = await http2Client(port)
    one.request(1, get())
    // Nobody takes this one's body yet.
    one.request(3, post(), false)
    for (let at = 0; at < 9; at++) one.send(DATA, 0, 3, Buffer.alloc(16_384))
    expect((await one.answer(3)).reset).toBe(FLOW_CONTROL_ERROR)
  })

  it('H36: DATA on a stream that its client has ended closes that connection', async () => {
    const { port } = await routed(() => {})
    const one = await http2Client(port)
    one.request(1, get())
    one.send(DATA, 0, 1, Buffer.from('more'))
    expect(await goaway(one)).toBe(STREAM_CLOSED)
  })

  it('H36: one stream too many is refused, and the others are served', async () => {
    const { port, upstream } = await routed(() => {})
    const one = await http2Client(port)
    for (let id = 1; id <= 203; id += 2) one.request(id, get())
    expect((await one.answer(201)).reset).toBe(REFUSED_STREAM)
    expect((await one.answer(203)).reset).toBe(REFUSED_STREAM)
    await eventually(() => upstream.received.length === 100)
  })
})
