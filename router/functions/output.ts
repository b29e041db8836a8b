import type { Readable } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'

/** One line a function printed. */
export type OutputLine = { readonly at: number; readonly stream: 'stdout' | 'stderr'; readonly text: string }

// A report of an error is one line and must arrive whole; its parts are bounded by the wrapper.
const REPORT_LIMIT = 16_384
const LINE_LIMIT = 2_000
const LINES_PER_SECOND = 200

/**
 * Gives every line of `stream` to `line`, at most 16 KiB of each; the rest of a longer one is dropped, so that a
 * function that prints without end costs no memory here.
 */
export function readLines(stream: Readable, line: (text: string) => void): void {
  let pending = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = chunk.split('\n')
    const last = lines.pop() ?? ''
    for (const text of lines) {
      line((pending + text).slice(0, REPORT_LIMIT))
      pending = ''
    }
    pending = (pending + last).slice(0, REPORT_LIMIT)
  })
  stream.on('end', () => {
    if (pending !== '') line(pending)
    pending = ''
  })
  // The process is gone or going; its end is seen elsewhere.
  stream.on('error', () => undefined)
}

/**
 * Lets through what a log can bear: lines are cut at 2,000 characters, and of more than 200 lines a second the
 * rest is only counted, with one line that says how many.
 */
export function boundedOutput(clock: Clock, line: (line: OutputLine) => void): (line: OutputLine) => void {
  let second = 0
  let passed = 0
  let dropped = 0
  return (next) => {
    const now = Math.floor(clock.elapsed() / 1_000)
    if (now !== second) {
      if (dropped > 0) line({ at: clock.now(), stream: 'stderr', text: `… ${dropped} more lines in one second` })
      second = now
      passed = 0
      dropped = 0
    }
    passed += 1
    if (passed > LINES_PER_SECOND) dropped += 1
    else line(next.text.length > LINE_LIMIT ? { ...next, text: `${next.text.slice(0, LINE_LIMIT)}…` } : next)
  }
}
