import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../router/kernel/clock.ts'
import { client, deferred, eventually, get, problemOf, routed, router, settled, statusOf, talk } from './support.ts'

const POST = 'POST / HTTP/1.1\r\nHost: shop.test\r\n'

describe('a request body', () => {
  it('is streamed with its Content-Length, and shares a write with the head where it is small', async () => {
    const { port, upstream } = await routed()
    await talk(port, `${POST}Content-Length: 0005\r\nConnection: close\r\n\r\nhello`)
    expect(upstream.received.join('')).toMatch(/\r\nContent-Length: 5\r\n[\s\S]*\r\n\r\nhello$/)
  })

  it('arrives whole and unchanged, split anyhow, by length and chunked', async () => {
    const body = Array.from({ length: 300_000 }, (_, index) => String.fromCharCode((index * 31) & 255)).join('')
    const chunks = body.match(/[\s\S]{1,7777}/g) ?? []
    const chunked = `${chunks.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`
    const framings = [
      { field: `Content-Length: ${body.length}`, bytes: body },
      { field: 'Transfer-Encoding: chunked', bytes: chunked },
    ]
    for (const { field, bytes } of framings) {
      const { port, upstream } = await routed(() => {})
      const raw = await client(port, `${POST}${field}\r\n\r\n`)
      for (let at = 0; at < bytes.length; at += 50_001) raw.send(bytes.slice(at, at + 50_001))
      const done = (all: string): boolean =>
        bodyOf(all).length >= body.length && (field[0] === 'C' || all.endsWith('\r\n0\r\n\r\n'))
      expect(sha(bodyOf(await upstream.until(done)))).toBe(sha(body))
    }
  })

  it('H20: 100-continue is relayed both ways, and the body waits for it', async () => {
    const { port, upstream } = await routed((socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'))
    const raw = await client(port, `${POST}Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n`)
    expect(await raw.until(/\r\n\r\n$/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    expect(upstream.received.join('')).toContain('\r\nExpect: 100-Continue\r\n')
    raw.send('hello')
    await upstream.until((all) => all.endsWith('\r\n\r\nhello'))
    upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await raw.until(/200 OK\r\n/)
  })

  it('H20: an answer in the place of 100 Continue closes the connection, and the body is never awaited', async () => {
    const { port } = await routed('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    const answer = await talk(port, `${POST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*Connection: close\r\n\r\nno$/)
  })

  it('H20: 102 and 103 are relayed to 1.1 clients, and never to 1.0 clients', async () => {
    const { port } = await routed(
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    )
    expect(await talk(port, get('/'))).toMatch(
      /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    )
    expect(await talk(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it('H20: at most 32 interim answers are relayed', async () => {
    const early = (count: number): string =>
      `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`
    const within = await routed(early(32))
    const answer = await talk(within.port, get('/'))
    expect(answer.match(/103 Early Hints/g)).toHaveLength(32)
    expect(answer).toContain('HTTP/1.1 200 OK\r\n')
    const beyond = await routed(early(33))
    expect(await talk(beyond.port, get('/'))).toMatch(
      /HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*"code":"response_malformed"/,
    )
  })

  it('H20: an expectation in HTTP/1.0 is none, and not passed on', async () => {
    const { port, upstream } = await routed()
    const post = 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi'
    expect(statusOf(await talk(port, post))).toBe(200)
    expect(upstream.received.join('')).not.toMatch(/^expect:/im)
  })

  it('H20: a client that does not wait for 100 Continue is served too', async () => {
    const { port, upstream } = await routed()
    const post = `${POST}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`
    expect(statusOf(await talk(port, post))).toBe(200)
    expect(upstream.received.join('')).toMatch(/\r\n\r\nhello$/)
  })

  it('H23: pipelined requests are answered in order, the next one only after the answer before', async () => {
    const first = deferred()
    const { port, upstream } = await routed(async (socket, head, index) => {
      if (index === 0) await first.promise
      const path = head.split(' ')[1] ?? ''
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`)
    })
    const one = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n\r\n`
    const raw = await client(port, `${one('/1') + POST}Content-Length: 3\r\n\r\nabc${one('/3')}${get('/4')}`)
    await upstream.until((all) => all.includes('GET /1'))
    expect(upstream.received.join('')).not.toContain('POST')
    first.resolve()
    await raw.closed
    const bodies = raw.text().split(/HTTP\/1\.1 200 OK\r\n[\s\S]*?\r\n\r\n/)
    expect(bodies).toEqual(['', '/1', '/', '/3', '/4'])
  })

  it('H23: a client that pipelines without end and reads nothing is held back', async () => {
    const { port, upstream } = await routed(`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`)
    const raw = await client(port)
    raw.socket.pause()
    for (let count = 0; count < 2000; count++) raw.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await upstream.until((all) => all.includes('GET'))
    await settled(() => upstream.received.join('').length)
    expect((upstream.received.join('').match(/GET/g) ?? []).length).toBeLessThan(400)
  })

  it('H23: what is pipelined behind a request that takes its time is read up to a cap', async () => {
    const { port, upstream } = await routed(() => {})
    const one = 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n'
    const raw = await client(port, one)
    await upstream.until((all) => all.includes('GET'))
    raw.send(one.repeat(500_000))
    expect(await settled(() => raw.socket.writableLength)).toBeGreaterThan(0)
    expect(upstream.received.join('').match(/GET/g)).toHaveLength(1)
  })

  it('H28: after an early answer up to 64 KiB are read and thrown away, then the connection is closed', async () => {
    const { port, upstream } = await routed('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    const raw = await client(port)
    raw.socket.allowHalfOpen = true
    raw.send(`${POST}Content-Length: 10000000\r\n\r\nsome`)
    await raw.until(/big$/)
    const sent = upstream.received.join('')
    raw.send('x'.repeat(60_000))
    await settled(() => raw.socket.writableLength)
    expect(raw.socket.destroyed).toBe(false)
    raw.send('x'.repeat(60_000))
    await eventually(() => {
      raw.send('x')
      return raw.socket.destroyed
    })
    expect(upstream.received.join('')).toBe(sent)
  })

  it('H28: a client that goes on more slowly has a second after the answer', async () => {
    const clock = manualClock()
    const { port } = await routed('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig', {}, {}, { clock })
    const raw = await client(port)
    raw.socket.allowHalfOpen = true
    raw.send(`${POST}Content-Length: 10000000\r\n\r\nsome`)
    await raw.until(/big$/)
    await raw.closed
    clock.advance(900)
    raw.send('more')
    await settled(() => raw.socket.bytesWritten)
    expect(raw.socket.destroyed).toBe(false)
    clock.advance(200)
    await eventually(() => {
      raw.send('x')
      return raw.socket.destroyed
    })
  })

  it('H28, H30: a connection whose request was cut short by its answer serves no other', async () => {
    const { port, upstream } = await routed()
    const raw = await client(port, `${POST}Content-Length: 100\r\n\r\nsome`)
    await raw.until(/ok$/)
    expect(await talk(port, get('/'))).toMatch(/ok$/)
    expect(upstream.received).toHaveLength(2)
  })

  it('H28: an early answer is relayed at once, though the body has not ended', async () => {
    const { port } = await routed('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    const raw = await client(port, `${POST}Content-Length: 1000000\r\n\r\nsome`)
    expect(await raw.until(/big$/)).toContain('\r\nConnection: close\r\n')
    expect(await raw.closed).toBe('end')
  })

  it('H28, H33: after a local answer the rest of the body is read and thrown away, so that the answer arrives', async () => {
    const { port } = await routed()
    const body = 'x'.repeat(60_000)
    const answer = await talk(port, `POST /%zz HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 60000\r\n\r\n${body}`)
    expect(statusOf(answer)).toBe(400)
    expect(problemOf(answer).code).toBe('request_malformed')
  })

  it('H33: a body that nobody wants and that does not end is not read to its end', async () => {
    const { port } = await routed()
    const raw = await client(port)
    raw.socket.allowHalfOpen = true
    raw.send('POST /%zz HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100000000\r\n\r\n')
    expect(statusOf(await raw.until(/\}\n$/))).toBe(400)
    await eventually(() => {
      raw.send('x'.repeat(10_000))
      return raw.socket.destroyed
    })
  })

  it('H33: a local answer to a request without a body keeps the connection', async () => {
    const { port } = await router({ upstreams: {}, rules: [] })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await raw.until(/\}\n$/)
    raw.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect((await raw.until(/\}\n[\s\S]*\}\n$/)).match(/HTTP\/1\.1 404/g)).toHaveLength(2)
  })

  it('H33: what follows an unread body is never taken for a request', async () => {
    const { port, upstream } = await routed()
    const smuggled = 'GET /admin HTTP/1.1\r\nHost: shop.test\r\n\r\n'
    const answer = await talk(
      port,
      `POST /%zz HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello${smuggled}`,
    )
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(upstream.received).toEqual([])
  })
})

/** Trailers as somebody may send them, and what is left of them. */
const TRAILERS = {
  sent: [
    'X-Sum: \xe9 1',
    'x-sum: 2',
    'Server-Timing: db;dur=3',
    'Grpc-Status:0',
    ...['Content-Length: 7', 'Transfer-Encoding: chunked', 'Host: evil.test', 'Connection: close', 'Trailer: X'],
    ...['TE: trailers', 'Upgrade: x', 'Expect: 100-continue', 'Content-Type: text/html', 'Content_Length: 7'],
    ...['Authorization: Basic eA==', 'Cookie: a=1', 'Set-Cookie: a=1', 'WWW-Authenticate: Basic', 'Cache-Control: x'],
    ...['X-Forwarded-For: 1.2.3.4', 'Forwarded: for=1.2.3.4', 'X-Banyan-Arm: candidate', 'X-Request-Id: mine'],
  ].join('\r\n'),
  passed: ['X-Sum: \xe9 1', 'x-sum: 2', 'Server-Timing: db;dur=3', 'Grpc-Status: 0'].join('\r\n'),
}

describe('trailers', () => {
  it('H19: of a request are passed on behind its body, but for those that frame, route or authenticate', async () => {
    const { port, upstream } = await routed()
    await talk(
      port,
      `${POST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${TRAILERS.sent}\r\n\r\n`,
    )
    const [head = '', ...rest] = upstream.received.join('').split('\r\n\r\n')
    expect(rest.join('\r\n\r\n')).toBe(`2\r\nhi\r\n0\r\n${TRAILERS.passed}\r\n\r\n`)
    expect(head).not.toMatch(/x-sum|server-timing|grpc-status/i)
  })

  it('H19: of an answer are passed on behind its body, and never reach the next one', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n'
    const { port, upstream } = await routed((socket, _head, index) => {
      socket.write(index === 0 ? `${chunked}${TRAILERS.sent}\r\n\r\n` : `${chunked}\r\n`, 'latin1')
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\nTE: trailers\r\n\r\n')
    const [head = '', ...rest] = (await raw.until(/0\r\n[\s\S]*\r\n\r\n$/)).split('\r\n\r\n')
    expect(rest.join('\r\n\r\n')).toBe(`2\r\nhi\r\n0\r\n${TRAILERS.passed}\r\n\r\n`)
    expect(head).not.toMatch(/x-sum|server-timing|grpc-status/i)
    expect(await talk(port, get('/'))).toMatch(/\r\n\r\n2\r\nhi\r\n0\r\n\r\n$/)
    expect(upstream.received).toHaveLength(1)
  })

  it('H19: HTTP/1.0 clients, who cannot read them, get none', async () => {
    const { port } = await routed(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n',
    )
    expect(await talk(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/\r\n\r\nhi$/)
  })
})

describe('an answer body', () => {
  it('chunks are written again, without extensions', async () => {
    const { port } = await routed(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\n006\r\n world\r\n0\r\n\r\n',
    )
    const answer = await talk(port, get('/'))
    expect(answer).toMatch(
      /\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n$/,
    )
  })

  it('HTTP/1.0 clients get chunks unpacked, ended by closing', async () => {
    const { port } = await routed('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')
    const answer = await talk(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    expect(answer).toMatch(/\r\nConnection: close\r\n\r\nhello$/)
    expect(answer).not.toContain('Transfer-Encoding')
  })

  it('H29: a body that ends with its connection passes, as chunks to 1.1 clients', async () => {
    const { port } = await routed((socket) => {
      socket.end('HTTP/1.1 200 OK\r\n\r\nhello')
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    expect(await raw.until(/0\r\n\r\n$/)).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
    expect(await talk(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/\r\n\r\nhello$/)
  })

  it.each([
    { method: 'HEAD', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', keeps: 'Content-Length: 5' },
    { method: 'HEAD', answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', keeps: 'Via: 1.1 banyan' },
    { method: 'GET', answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', keeps: 'Content-Length: 5' },
    { method: 'GET', answer: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', keeps: 'Via: 1.1 banyan' },
  ])('H21: $method and $answer have no body, and the connection serves on', async ({ method, answer, keeps }) => {
    const { port, upstream } = await routed(answer)
    const raw = await client(port)
    for (let count = 1; count <= 2; count++) {
      raw.send(`${method} / HTTP/1.1\r\nHost: shop.test\r\n\r\n`)
      await raw.until((text) => text.split('\r\n\r\n').length === count + 1)
    }
    expect(raw.text()).toContain(`\r\n${keeps}\r\n`)
    expect(raw.text()).not.toContain('Transfer-Encoding')
    if (answer.includes('204')) expect(raw.text()).not.toContain('Content-Length')
    expect(upstream.received).toHaveLength(1)
  })

  it('H21, H30: an upstream that sends a body where there is none loses its connection', async () => {
    const { port, upstream } = await routed('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello')
    const raw = await client(port)
    for (let count = 1; count <= 2; count++) {
      raw.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
      await raw.until((text) => text.split('\r\n\r\n').length === count + 1)
    }
    expect(raw.text()).not.toContain('hello')
    expect(upstream.received).toHaveLength(2)
  })

  it.each([
    'garbage\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 099 Odd\r\n\r\n',
    'HTTP/1.1 600 Odd\r\n\r\n',
    'HTTP/1.1 200 O\0K\r\n\r\n',
    'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'HTTP/1.1 200 OK\r\nA : b\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(201)}\r\n`,
    `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`,
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(40),
  ])('H27: %j is 502 and ends that connection', async (garbage) => {
    const { port, upstream } = await routed(garbage)
    const answer = await talk(port, get('/'))
    expect(statusOf(answer.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', ''))).toBe(502)
    expect(answer).toContain('\r\nProxy-Status: banyan; error=http_protocol_error\r\n')
    expect(answer).toContain('"code":"response_malformed"')
    await eventually(() => upstream.sockets.every((socket) => socket.destroyed))
  })

  it('H27: a status line without a reason passes', async () => {
    const { port } = await routed('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n')
    expect(await talk(port, get('/'))).toMatch(/^HTTP\/1\.1 200 \r\nContent-Length: 0\r\n/)
  })

  it.each([
    { what: 'of stated length', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello' },
    { what: 'that is chunked', answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n' },
  ])('H29: a body $what that ends too early is a reset, never a short success', async ({ answer }) => {
    const { port } = await routed((socket) => {
      socket.end(answer)
    })
    for (const version of ['1.1', '1.0']) {
      const raw = await client(port, `GET / HTTP/${version}\r\nHost: shop.test\r\n\r\n`)
      expect(await raw.closed).toBe('reset')
      expect(raw.text()).not.toMatch(/0\r\n\r\n$/)
    }
  })

  it('H29: a reset of the upstream in mid-body is a reset', async () => {
    const { port, upstream } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await raw.until(/hello\r\n$/)
    upstream.sockets[0]?.resetAndDestroy()
    expect(await raw.closed).toBe('reset')
  })

  it('H29: a client that resets in mid-upload leaves no short request that looks whole', async () => {
    const { port, upstream } = await routed(() => {})
    const raw = await client(port, `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`)
    await upstream.until((all) => all.endsWith('hello\r\n'))
    raw.socket.resetAndDestroy()
    await eventually(() => upstream.sockets[0]?.destroyed === true)
    expect(upstream.received.join('')).not.toContain('\r\n0\r\n')
  })

  it('H29: a chunk that is none, in mid-body, is a reset', async () => {
    const { port } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      setTimeout(() => socket.write('zz\r\n'), 20)
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    expect(await raw.closed).toBe('reset')
  })

  it('arrives as it is sent: the head does not wait for the body, nor one piece for the next', async () => {
    const { port, upstream } = await routed((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    })
    const raw = await client(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await raw.until(/\r\n\r\n$/)
    upstream.sockets[0]?.write('3\r\none\r\n')
    await raw.until(/3\r\none\r\n$/)
    upstream.sockets[0]?.write('3\r\ntwo\r\n0\r\n\r\n')
    await raw.until(/3\r\ntwo\r\n0\r\n\r\n$/)
  })

  it('H34: a large body through a slow reader is whole, and does not pile up here', async () => {
    const size = 64 * 1024 * 1024
    const piece = Buffer.alloc(256 * 1024, 'abcdefgh')
    const { port, upstream } = await routed((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      let left = size / piece.length
      const more = (): void => {
        while (left > 0) {
          left--
          if (!socket.write(piece)) break
        }
      }
      socket.on('drain', more)
      more()
    })
    const raw = await client(port)
    let got = 0
    const hash = createHash('sha256')
    raw.socket.removeAllListeners('data')
    const done = deferred()
    let head = ''
    raw.socket.on('data', (bytes: Buffer) => {
      let body = bytes
      if (!head.includes('\r\n\r\n')) {
        head += bytes.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        body = end < 0 ? Buffer.alloc(0) : Buffer.from(head.slice(end + 4), 'latin1')
      }
      hash.update(body)
      got += body.length
      if (got === size) done.resolve()
    })
    raw.socket.pause()
    raw.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await upstream.until((all) => all.includes('GET'))
    // What left the upstream while nobody read: the kernel's buffers on both sides and a little of ours.
    const [socket] = upstream.sockets
    const left = await settled(() => (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0))
    expect(left).toBeGreaterThan(64 * 1024)
    expect(left).toBeLessThan(32 * 1024 * 1024)
    raw.socket.resume()
    await done.promise
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(size, piece)).digest('hex'))
  })

  it('H34: a large upload to a slow upstream is whole, and does not pile up here', async () => {
    const size = 32 * 1024 * 1024
    const { port, upstream } = await routed((socket) => {
      socket.pause()
    })
    const raw = await client(port, `POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${size}\r\n\r\n`)
    await upstream.until((all) => all.includes('POST'))
    raw.socket.write(Buffer.alloc(size, 'x'))
    // Nothing took what the client still holds.
    expect(await settled(() => raw.socket.writableLength)).toBeGreaterThan(0)
    upstream.sockets[0]?.resume()
    await upstream.until((all) => all.length >= size && bodyOf(all).length === size)
  })
})

function bodyOf(all: string): string {
  const end = all.indexOf('\r\n\r\n')
  const body = all.slice(end + 4)
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(all.slice(0, end + 2))) return body
  let out = ''
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    if (line < 0) return out
    const length = Number.parseInt(body.slice(at, line), 16)
    if (length === 0) return out
    out += body.slice(line + 2, line + 2 + length)
    at = line + 4 + length
  }
  return out
}

function sha(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}
