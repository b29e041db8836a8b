import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pause } from './scenario.ts'

/** So many clients that read a megabyte in small sips, and leave when the time is over. */
export async function readSlowly(port: number, clients: number, ms: number): Promise<void> {
  const sockets = await open(port, clients)
  for (const socket of sockets) {
    socket.on('data', () => {
      socket.pause()
      setTimeout(() => socket.resume(), 100).unref()
    })
    socket.write('GET /big?id=slow HTTP/1.1\r\nHost: chaos\r\n\r\n')
  }
  await pause(ms)
  for (const socket of sockets) socket.destroy()
}

/** So many clients that send a body in twenty parts over the time; throws where one is not answered rightly. */
export async function sendSlowly(port: number, clients: number, ms: number): Promise<void> {
  const sockets = await open(port, clients)
  const answers = sockets.map(async (socket, number) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.write(`POST /quick?id=upload-${port}-${number} HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n`)
    socket.write('Content-Length: 20000\r\n\r\n')
    const ended = once(socket, 'end')
    for (let part = 0; part < 20; part++) {
      socket.write('z'.repeat(1_000))
      await pause(ms / 20)
    }
    await ended
    if (!/^HTTP\/1\.1 200 [\s\S]*20000/.test(text)) throw new Error(`a slow upload was answered with ${text}`)
  })
  await Promise.all(answers)
  for (const socket of sockets) socket.destroy()
}

/** So many connections that send a byte of a head now and then. */
export async function stall(port: number, clients: number, ms: number): Promise<void> {
  const sockets = await open(port, clients)
  const end = performance.now() + ms
  for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nX-Slow: ')
  while (performance.now() < end) {
    for (const socket of sockets) if (socket.writable) socket.write('a')
    await pause(500)
  }
  for (const socket of sockets) socket.destroy()
}

async function open(port: number, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (let number = 0; number < count; number++) {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    sockets.push(socket)
  }
  return sockets
}
