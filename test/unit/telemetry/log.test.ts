import { describe, expect, it } from 'vitest'
import { createLog } from '../../../router/telemetry/log.ts'

function logged(pretty: boolean) {
  let text = ''
  const stream = {
    write(line: string) {
      text += line
    },
  }
  return { log: createLog({ level: 'info', pretty, stream }), text: () => text }
}

describe('the log of control', () => {
  it('writes the same JSON lines as the other processes', () => {
    const { log, text } = logged(false)
    log.child({ part: 'config' }).error('refused', { file: 'banyan.yaml', error: new Error('no') })
    const { time, ...entry } = JSON.parse(text())
    expect(new Date(time).toISOString()).toBe(time)
    expect(entry).toMatchObject({
      level: 'error',
      msg: 'refused',
      part: 'config',
      file: 'banyan.yaml',
      error: { message: 'no' },
    })
  })

  it('is readable on a terminal', () => {
    const { log, text } = logged(true)
    log.info('plan published', { revision: 3 })
    expect(text()).toMatch(/^\d\d:\d\d:\d\d info {2}plan published revision=3\n$/)
  })
})
