import { describe, expect, it } from 'vitest'
import type { DescriptionAnswer } from '../../../router/discovery/fetch.ts'
import { lookAtPages } from '../../../router/discovery/pages.ts'
import { systemClock } from '../../../router/kernel/clock.ts'

const LIMITS = { pages: 20, requests: 100, ms: 15_000, pauseMs: 0 }

/** What is found on a site of these pages (others are 404), and what was asked for. */
async function look(pages: (path: string) => string | undefined, isKnown = (_: string) => false) {
  const asked: string[] = []
  const found = await lookAtPages({
    upstream: {
      name: 'clinic',
      endpoints: [{ host: '127.0.0.1', port: 1, path: '' }],
      discover: { openapi: undefined },
      ownHosts: ['clinic.internal'],
      declares: undefined,
      failure: undefined,
    },
    clock: {
      ...systemClock,
      after(_, run) {
        queueMicrotask(run)
        return () => {}
      },
    },
    signal: new AbortController().signal,
    isKnown,
    limits: LIMITS,
    fetch: async ({ path }) => {
      asked.push(path)
      const html = pages(path)
      const body = new Uint8Array(Buffer.from(html ?? ''))
      const status = html === undefined ? 404 : 200
      const answer: DescriptionAnswer = {
        kind: 'answered',
        status,
        body,
        location: undefined,
        etag: undefined,
        modified: undefined,
        ms: 1,
      }
      return answer
    },
  })
  return { ...found, asked }
}

describe('links of pages that nobody serves', () => {
  it('are links and assets of the same site, on the start page and on pages that it links to', async () => {
    const site: Readonly<Record<string, string>> = {
      '/': '<a href="/vets">x</a><link rel="stylesheet" href="/gone.css"><img src="http://clinic.internal/there.png"><script src="http://cdn.test/x.js"></script>',
      '/vets': '<a href="contact.html?x=1">x</a>',
      '/there.png': '',
    }
    const { missing, pages, asked } = await look(
      (path) => site[path],
      (path) => path === '/vets',
    )
    expect(missing).toEqual([
      { path: '/gone.css', on: '/', status: 404 },
      { path: '/contact.html', on: '/vets', status: 404 },
    ])
    expect(pages).toBe(2)
    expect(asked).toEqual(['/', '/gone.css', '/there.png', '/vets', '/contact.html'])
  })

  it('are not looked for where following them may do something', async () => {
    const { asked } = await look((path) =>
      path === '/' ? '<a href="/logout">x</a><a href="/owners/1/delete">x</a>' : undefined,
    )
    expect(asked).toEqual(['/'])
  })

  it('are looked for with so many requests and pages at the most', async () => {
    const endless = (path: string) =>
      Array.from({ length: 200 }, (_, index) => `<a href="${path}${index}/">x</a>`).join('')
    const unknown = await look(endless)
    expect(unknown).toMatchObject({ requests: 100, stopped: 'stopped after 100 requests' })
    const known = await look(endless, () => true)
    expect(known).toMatchObject({ pages: 20, requests: 20 })
  })
})
