import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, decode, encode, type Packet, type Question } from 'dns-packet'

/** A name server over UDP that tests write the records of. */
export type NameServer = {
  /** `IP:PORT`, as `dns.servers` takes it. */
  readonly address: string
  /** Every question it got: `A clinic.internal`. */
  readonly asked: string[]
  /** What it answers from now on, by `TYPE NAME`; a name that is in no key does not exist. */
  records: Readonly<Record<string, readonly Answer[]>>
  /** How it fails instead; undefined: not at all. */
  failure: 'SERVFAIL' | 'REFUSED' | 'silent' | undefined
  close(): Promise<void>
}

/** Listens on any free port of the loopback interface. The caller closes. */
export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const server: NameServer = {
    address: `127.0.0.1:${socket.address().port}`,
    asked: [],
    records: {},
    failure: undefined,
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
  socket.on('message', (message, { port, address }) => {
    const query = decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return
    server.asked.push(keyOf(question))
    if (server.failure !== 'silent') socket.send(encode(answerTo(query, question, server)), port, address)
  })
  return server
}

const AUTHORITATIVE = 0x0400
const RCODES = { NXDOMAIN: 3, REFUSED: 5, SERVFAIL: 2 } as const

function answerTo(query: Packet, question: Question, { records, failure }: NameServer): Packet {
  const answers = records[keyOf(question)] ?? []
  const known = Object.keys(records).some((key) => key.split(' ')[1] === question.name.toLowerCase())
  const code = failure === 'SERVFAIL' || failure === 'REFUSED' ? failure : known ? undefined : 'NXDOMAIN'
  return {
    type: 'response',
    ...(query.id === undefined ? {} : { id: query.id }),
    flags: AUTHORITATIVE | (code === undefined ? 0 : RCODES[code]),
    questions: [question],
    answers: code === undefined ? [...answers] : [],
  }
}

function keyOf({ type, name }: Question): string {
  return `${type} ${name.toLowerCase()}`
}

/** An A record. */
export function a(name: string, data: string, ttl = 60): Answer {
  return { type: 'A', name, ttl, data }
}
