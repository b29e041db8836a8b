import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import contact from '../../../functions/contact/index.ts'
import vetsFeed from '../../../functions/vets-feed/index.ts'
import { startClinic } from '../../../legacy/clinic/server.ts'
import { STYLE } from '../../../legacy/clinic/style.ts'
import { listen } from '../../../services/serve.ts'
import { createVets } from '../../../services/vets/app.ts'
import { startVets } from '../../../services/vets/server.ts'

const FOLDER = new URL('../../../functions/', import.meta.url)
const CONTACT_ENV = { CLINIC_EMAIL: 'hello@petclinic.example' }

const post = (fields: Record<string, string>) =>
  contact.request('/contact.html', { method: 'POST', body: new URLSearchParams(fields) }, CONTACT_ENV)

describe('every function', () => {
  it('imports nothing of Node, so that it runs in workerd', () => {
    const sources = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    expect(sources).toContain('contact/index.ts')
    for (const name of sources) expect(readFileSync(new URL(name, FOLDER), 'utf8'), name).not.toMatch(/from 'node:/)
  })

  it('has its routes in its own route table', () => {
    const routes = [contact, vetsFeed].map((app) => app.routes.map(({ method, path }) => `${method} ${path}`))
    expect(routes).toEqual([['GET /contact.html', 'POST /contact.html'], ['GET /vets.xml']])
  })
})

describe('contact', () => {
  it.each(['/contact.html', '/contact.html/', '/contact.html;jsessionid=1A2B'])('GET %s is the form', async (path) => {
    const response = await contact.request(path, {}, CONTACT_ENV)
    const body = await response.text()
    expect(response.status).toBe(200)
    expect(body).toContain('<form method="post" action="/contact.html">')
    expect(body).toContain('mailto:hello@petclinic.example')
    expect(body).toContain(`<style>${STYLE}</style>`)
  })

  it('POST thanks, and escapes what was written', async () => {
    const response = await post({ name: '<Ada>', email: 'ada@example.org', message: `a < b && "c" > 'd'` })
    const body = await response.text()
    expect(response.status).toBe(200)
    expect(body).toContain('Thank you, &lt;Ada&gt;')
    expect(body).toContain('a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;')
  })

  it.each([
    { fields: {}, says: 'must not be empty' },
    { fields: { name: 'Ada', email: 'ada', message: 'Hello' }, says: 'must be an e-mail address' },
    { fields: { name: 'Ada', email: 'ada@example.org', message: 'x'.repeat(5_001) }, says: 'must not be longer' },
  ])('POST with a bad field is 422 and the form again: $says', async ({ fields, says }) => {
    const response = await post(fields)
    const body = await response.text()
    expect(response.status).toBe(422)
    expect(body).toContain(says)
  })

  it('POST with a bad field keeps the rest, escaped', async () => {
    const body = await (await post({ name: '"><script>', email: '', message: '</textarea>' })).text()
    expect(body).toContain('value="&quot;&gt;&lt;script&gt;"')
    expect(body).toContain('&lt;/textarea&gt;</textarea>')
  })
})

describe('vets-feed', () => {
  it('answers byte for byte what the monolith answers', async () => {
    const [clinic, vets] = await Promise.all([
      startClinic({ port: 0, clinicHost: 'clinic.internal' }),
      startVets({ port: 0 }),
    ])
    const legacy = await fetch(`${clinic.url}/vets.xml`)
    const response = await vetsFeed.request('/vets.xml', {}, { VETS_URL: vets.url })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(legacy.headers.get('content-type'))
    expect(await response.text()).toBe(await legacy.text())
    await Promise.all([clinic.close(), vets.close()])
  })

  it('escapes what a record holds', async () => {
    const vets = [{ id: 1, firstName: '<', lastName: '&"\'', city: '', specialties: [] }]
    const service = await listen(createVets(vets), { port: 0 })
    const response = await vetsFeed.request('/vets.xml', {}, { VETS_URL: service.url })
    expect(await response.text()).toContain('<firstName>&lt;</firstName><lastName>&amp;&quot;&#39;</lastName>')
    await service.close()
  })

  it.each([
    { answer: new Response('{}', { status: 500 }), says: 'GET /api/vets answered 500' },
    { answer: new Response('{"vets":[{"id":"1"}]}'), says: 'GET /api/vets answered something else' },
    { answer: new Response('<html>'), says: 'is not valid JSON' },
  ])('is 502 when the vets service fails: $says', async ({ answer, says }) => {
    const service = await listen({ fetch: () => answer }, { port: 0 })
    const response = await vetsFeed.request('/vets.xml', {}, { VETS_URL: service.url })
    expect(response.status).toBe(502)
    expect(await response.text()).toContain(says)
    await service.close()
  })

  it('is 502 when the vets service is away', async () => {
    const gone = await startVets({ port: 0 })
    await gone.close()
    const response = await vetsFeed.request('/vets.xml', {}, { VETS_URL: gone.url })
    expect(response.status).toBe(502)
  })
})
