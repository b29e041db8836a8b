import { describe, expect, it } from 'vitest'
import { createJsonLog } from '../../../router/kernel/json-log.ts'

function logged(pretty: boolean) {
  const lines: string[] = []
  const log = createJsonLog({ write: (line) => lines.push(line), now: () => 0, pretty, fields: { pid: 7 } })
  return { log, lines }
}

describe('the light log', () => {
  it('writes one JSON line an entry, with the fields of its parents', () => {
    const { log, lines } = logged(false)
    log.child({ part: 'link' }).warn('control is away', { forMs: 3 })
    expect(lines).toEqual([
      '{"level":"warn","time":"1970-01-01T00:00:00.000Z","msg":"control is away","pid":7,"part":"link","forMs":3}\n',
    ])
  })

  it('keeps an entry on one line, whatever it says', () => {
    const { log, lines } = logged(false)
    log.error('two\nlines', { error: new Error('a\nb') })
    expect(lines.join('').trimEnd()).not.toContain('\n')
    expect(JSON.parse(lines.join(''))).toMatchObject({ msg: 'two\nlines', error: { message: 'a\nb' } })
  })

  it('is readable on a terminal', () => {
    const { log, lines } = logged(true)
    log.info('listening', { port: 8080, host: 'all addresses' })
    expect(lines.join('')).toMatch(/^\d\d:\d\d:\d\d info {2}listening port=8080 host="all addresses"\n$/)
  })
})
