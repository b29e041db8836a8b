import { ask } from './ask.ts'
import { ASKS_BACK, BODY, SEEN_FORWARDED_FOR, SEEN_LENGTH } from './nginx.ts'
import { cpuBetween, readCpu } from './processes.ts'
import { drive, type Load } from './wrk.ts'

/** One program and one kind of request to it. */
export type Subject = {
  readonly name: string
  readonly url: string
  /** Its first process: it and everything below it is counted. */
  readonly pid: number
  /** Counted a second time by themselves. */
  readonly dataplane?: readonly number[]
  /** A Lua file for wrk, and its arguments. */
  readonly script?: readonly string[]
  /** The body of the answer, where it is not the usual one. */
  readonly answers?: string
  /** The body of the request, where it has one: the script has to send the same. */
  readonly sends?: string
  /** What drives it, and what shows that it does what is measured; absent: wrk, and one request like it. */
  readonly driver?: Driver
}

export type Driver = {
  drive(seconds: number, signal: AbortSignal): Promise<Load>
  /** Throws where the answer is wrong. */
  verify(signal: AbortSignal): Promise<void>
}

/** One timed run; CPU in microseconds a request. */
export type Sample = { readonly cpu: number; readonly dataplane: number | undefined; readonly perSecond: number }

export type Measured = { readonly subject: Subject; readonly samples: readonly Sample[] }

export type Pace = {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly signal: AbortSignal
  say(line: string): void
}

/**
 * Checks and warms every subject, then runs them one after the other, round after round: what disturbs the machine
 * for a while disturbs all of them.
 */
export async function measure(subjects: readonly Subject[], pace: Pace): Promise<readonly Measured[]> {
  for (const subject of subjects) {
    await (subject.driver?.verify(pace.signal) ?? verify(subject, pace.signal))
    pace.say(`${subject.name}: answers as it should; warming up`)
    await load(subject, pace.warmUpSeconds, pace.signal)
  }
  const measured = subjects.map((subject) => ({ subject, samples: [] as Sample[] }))
  for (let round = 1; round <= pace.rounds; round++) {
    for (const { subject, samples } of measured) {
      const sample = await sampleOf(subject, pace)
      samples.push(sample)
      const figures = `${sample.cpu.toFixed(1)} µs a request, ${Math.round(sample.perSecond)} requests/s`
      pace.say(`round ${round} of ${pace.rounds}, ${subject.name}: ${figures}`)
    }
  }
  return measured
}

/** Throws where a request is not answered as the upstream answers, or does not say there who asked. */
export async function verify(
  { name, url, answers = BODY, sends }: Omit<Subject, 'driver'>,
  signal: AbortSignal,
): Promise<void> {
  const { status, body, headers } = await ask(url, signal, { [ASKS_BACK]: '1' }, sends)
  const forwarded = headers[SEEN_FORWARDED_FOR]
  const length = Number(headers[SEEN_LENGTH] ?? 0)
  const sent = sends?.length ?? 0
  if (status === 200 && body === answers && forwarded === '127.0.0.1' && length === sent) return
  const got = `${status} ${brief(body)}; at the upstream: X-Forwarded-For ${forwarded ?? 'none'}, ${length} bytes`
  const expected = `200 ${brief(answers)}; 127.0.0.1, ${sent} bytes`
  throw new Error(`${name} does not do what is measured: ${url} answered ${got}; expected ${expected}`)
}

function brief(body: string): string {
  return body.length > 100 ? `${JSON.stringify(body.slice(0, 100))}… (${body.length})` : JSON.stringify(body)
}

function load({ driver, url, script }: Subject, seconds: number, signal: AbortSignal): Promise<Load> {
  return driver?.drive(seconds, signal) ?? drive({ url, seconds, script, signal })
}

async function sampleOf(subject: Subject, { seconds, signal }: Pace): Promise<Sample> {
  const { pid, dataplane } = subject
  const before = readCpu(pid)
  const { requests, perSecond } = await load(subject, seconds, signal)
  const after = readCpu(pid)
  return {
    cpu: cpuBetween(before, after) / requests,
    dataplane: dataplane && cpuBetween(before, after, dataplane) / requests,
    perSecond,
  }
}
