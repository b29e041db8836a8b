import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLINIC_ROUTES } from '../../legacy/clinic/routes.ts'
import { type RunningClinic, startClinic } from '../../legacy/clinic/server.ts'
import { visit } from '../visitor.ts'

let clinic: RunningClinic

beforeAll(async () => {
  clinic = await startClinic({ port: 0, clinicHost: 'clinic.internal' })
})
afterAll(() => clinic.close())

const ADA = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  address: '12 St. James Sq.',
  city: 'London',
  telephone: '0205551815',
}

describe('the operations of the clinic', () => {
  it.each([
    { path: '/', shows: 'Welcome' },
    { path: '/owners/new', shows: 'name="telephone"' },
    { path: '/owners/find', shows: 'name="lastName"' },
    { path: '/owners', shows: 'Carlos Estaban' },
    { path: '/owners?lastName=dav', shows: 'Betty Davis' },
    { path: '/owners/6', shows: 'Samantha' },
    { path: '/owners/6/edit', shows: 'value="Coleman"' },
    { path: '/owners/6/pets/new', shows: '<option>hamster</option>' },
    { path: '/owners/6/pets/7/edit', shows: 'value="Samantha"' },
    { path: '/owners/anything/pets/7/visits/new', shows: 'rabies shot' },
    { path: '/vets.html', shows: 'dentistry, surgery' },
    { path: '/vets/new', shows: 'Join us' },
  ])('GET $path is a page', async ({ path, shows }) => {
    const { status, headers, body } = await visit(clinic.url).get(path)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html;charset=UTF-8')
    expect(body).toContain(shows)
    expect(body).toContain(`<link rel="canonical" href="http://clinic.internal${path.replace(/\?.*/, '')}">`)
  })

  it('GET /vets.json and /vets.xml are twins of the page, without a session', async () => {
    const json = await visit(clinic.url).get('/vets.json')
    const { vetList } = JSON.parse(json.body)
    expect(vetList).toHaveLength(6)
    expect(vetList[1]).toEqual({
      id: 2,
      firstName: 'Helen',
      lastName: 'Leary',
      specialties: [{ id: 1, name: 'radiology' }],
      nrOfSpecialties: 1,
    })
    const xml = await visit(clinic.url).get('/vets.xml')
    expect(xml.headers.get('content-type')).toBe('application/xml;charset=UTF-8')
    expect(xml.body.match(/<vet>/g)).toHaveLength(6)
    expect(json.headers.getSetCookie()).toEqual([])
    expect(xml.headers.getSetCookie()).toEqual([])
  })

  it('GET /oups fails with a page', async () => {
    const { status, body } = await visit(clinic.url).get('/oups')
    expect(status).toBe(500)
    expect(body).toContain('Something happened…')
  })

  it('POST /owners/new and /edit keep an owner, escaped in every page', async () => {
    const visitor = visit(clinic.url)
    const created = await visitor.submit('/owners/new', { ...ADA, lastName: `<b>"O'Neill" & Co` })
    expect(created.status).toBe(302)
    const search = await visitor.get(created.headers.get('location') ?? '')
    const path = /href="(\/owners\/\d+)">Show/.exec(search.body)?.[1] ?? ''
    const owner = await visitor.get(path)
    expect(owner.body).toContain('Ada &lt;b&gt;&quot;O&#39;Neill&quot; &amp; Co')
    expect(owner.body).not.toContain('<b>')
    expect((await visitor.get(`${path}/edit`)).body).toContain('value="&lt;b&gt;&quot;O&#39;Neill&quot; &amp; Co"')

    const changed = await visitor.submit(`${path}/edit`, { ...ADA, city: 'Ockham' })
    expect([changed.status, changed.headers.get('location')]).toEqual([302, `http://clinic.internal${path}`])
    expect((await visitor.get(path)).body).toContain('<td>Ockham</td>')
  })

  it('POST pets/new, pets/{petId}/edit and visits/new keep a pet and its visits', async () => {
    const visitor = visit(clinic.url)
    const created = await visitor.submit('/owners/2/pets/new', { name: 'Nero', birthDate: '2020-02-29', type: 'dog' })
    expect(created.headers.get('location')).toBe('http://clinic.internal/owners/2')
    const pet = /\/owners\/2\/pets\/(1[4-9])\/edit/.exec((await visitor.get('/owners/2')).body)?.[1]

    const changed = await visitor.submit(`/owners/2/pets/${pet}/edit`, {
      name: 'Nero',
      birthDate: '2020-03-01',
      type: 'cat',
    })
    expect(changed.headers.get('location')).toBe('http://clinic.internal/owners/2')
    const visited = await visitor.submit(`/owners/2/pets/${pet}/visits/new`, {
      date: '2024-05-06',
      description: 'checked & well',
    })
    expect(visited.headers.get('location')).toBe('http://clinic.internal/owners/2')

    const { body } = await visitor.get('/owners/2')
    expect(body).toContain('2020-03-01')
    expect(body).toContain('<td>2024-05-06</td><td>checked &amp; well</td>')
  })

  it.each([
    { path: '/owners/new', fields: { ...ADA, telephone: '12' }, says: 'must be a number of 10 digits' },
    { path: '/owners/6/edit', fields: { ...ADA, city: ' ' }, says: 'must not be empty' },
    {
      path: '/owners/6/pets/new',
      fields: { name: 'max', birthDate: '2020-01-01', type: 'cat' },
      says: 'is already in use',
    },
    {
      path: '/owners/6/pets/7/edit',
      fields: { name: 'Sam', birthDate: '2020-02-30', type: 'cat' },
      says: 'must be a day',
    },
    {
      path: '/owners/6/pets/new',
      fields: { name: 'Rex', birthDate: '2999-01-01', type: 'cat' },
      says: 'in the future',
    },
    {
      path: '/owners/6/pets/new',
      fields: { name: 'Rex', birthDate: '2020-01-01', type: 'cow' },
      says: 'one of the list',
    },
    { path: '/owners/6/pets/7/visits/new', fields: { date: '2020-01-01' }, says: 'must not be empty' },
  ])('POST $path with a bad field shows the form again: $says', async ({ path, fields, says }) => {
    const visitor = visit(clinic.url)
    await visitor.get('/')
    const before = (await visitor.get('/owners/6')).body
    const { status, body } = await visitor.submit(path, fields)
    expect(status).toBe(200)
    expect(body).toContain(says)
    expect(body).toContain('<form method="post"')
    expect((await visitor.get('/owners/6')).body).toBe(before)
  })
})

describe('addresses and methods', () => {
  it.each(['/owners/6/', '//owners//6', '/owners/6;a=b', '/%6Fwners/6'])('%s is /owners/6', async (path) => {
    const visitor = visit(clinic.url)
    expect((await visitor.get(path)).body).toContain('Jean Coleman')
  })

  it.each([
    { path: '/contact.html', status: 404, why: 'the menu links it and it never was' },
    { path: '/owners/999', status: 404, why: 'there is no such owner' },
    { path: '/owners/1/pets/7/edit', status: 404, why: 'the pet is somebody else’s' },
    { path: '/owners/george', status: 400, why: 'an owner is a number' },
    { path: '/owners/%ff', status: 400, why: 'the encoding is broken' },
  ])('GET $path is $status: $why', async ({ path, status }) => {
    const answer = await visit(clinic.url).get(path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('text/html;charset=UTF-8')
  })

  it('the menu links the contact page', async () => {
    const visitor = visit(clinic.url)
    await visitor.get('/')
    expect((await visitor.get('/')).body).toContain('href="/contact.html"')
  })

  it.each([
    { method: 'POST', path: '/vets.html', allow: 'GET' },
    { method: 'POST', path: '/owners/find', allow: 'GET' },
    { method: 'DELETE', path: '/owners/new', allow: 'GET,POST' },
  ])('$method $path is 405 and names the methods', async ({ method, path, allow }) => {
    const answer = await visit(clinic.url).send(method, path)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })

  it('OPTIONS names the methods', async () => {
    const answer = await visit(clinic.url).send('OPTIONS', '/owners/new')
    expect([answer.status, answer.headers.get('allow')]).toEqual([200, 'GET,HEAD,POST,OPTIONS'])
  })

  it('HEAD answers as GET, without the body', async () => {
    const visitor = visit(clinic.url)
    await visitor.get('/')
    const get = await visitor.get('/vets.html')
    const head = await visitor.send('HEAD', '/vets.html')
    expect([head.status, head.body]).toEqual([200, ''])
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
  })

  it('a form of more than a megabyte is 413, a body that is no form 415', async () => {
    const visitor = visit(clinic.url)
    expect((await visitor.post('/owners/new', { firstName: 'x'.repeat(1_000_001) })).status).toBe(413)
    const json = await fetch(`${clinic.url}/owners/new`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    expect(json.status).toBe(415)
  })

  it('names its own host in Content-Location, Link, Refresh and a cookie', async () => {
    const visitor = visit(clinic.url)
    const header = async (path: string, name: string) => (await visitor.get(path)).headers.get(name)
    expect(await header('/', 'set-cookie')).toContain('clinic_theme=meadow; Domain=clinic.internal; Path=/')
    expect(await header('/owners?lastName=Dav', 'content-location')).toBe('http://clinic.internal/owners?lastName=Dav')
    expect(await header('/vets.html', 'link')).toContain('<http://clinic.internal/vets.json>; rel="alternate"')
    expect(await header('/vets/new', 'refresh')).toBe('30; url=http://clinic.internal/vets.html')
  })
})

describe('sessions', () => {
  it('a search without result goes back to the search, whose message is shown once', async () => {
    const visitor = visit(clinic.url)
    await visitor.get('/')
    const search = await visitor.get('/owners?lastName=Nobody')
    expect([search.status, search.headers.get('location')]).toEqual([302, 'http://clinic.internal/owners/find'])
    await visitor.get('/vets.html')
    expect((await visitor.get('/owners/find')).body).toContain('starts with &quot;Nobody&quot;')
    expect((await visitor.get('/owners/find')).body).not.toContain('Nobody')
  })

  it('a search with one result goes to the owner', async () => {
    const visitor = visit(clinic.url)
    await visitor.get('/')
    const search = await visitor.get('/owners?lastName=black')
    expect(search.headers.get('location')).toBe('http://clinic.internal/owners/7')
  })

  it('a message is not shown to somebody else', async () => {
    const [one, other] = [visit(clinic.url), visit(clinic.url)]
    await one.get('/owners?lastName=Nobody')
    expect((await other.get('/owners/find')).body).not.toContain('Nobody')
    expect((await one.get('/owners/find')).body).toContain('Nobody')
  })

  it('is made once, and links carry it only until the cookie has come back', async () => {
    const visitor = visit(clinic.url)
    const first = await visitor.get('/owners/find')
    const id = visitor.cookies.get('JSESSIONID')
    expect(id).toMatch(/^[0-9A-F]{32}$/)
    expect(first.body).toContain(`href="/vets.html;jsessionid=${id}"`)
    const second = await visitor.get('/owners/find')
    expect(second.headers.getSetCookie()).toEqual([])
    expect(second.body).not.toContain('jsessionid')
  })

  it('works without cookies by ;jsessionid= in links, forms and redirects', async () => {
    const visitor = visit(clinic.url, { keepsCookies: false })
    const created = await visitor.submit('/owners/new', { ...ADA, firstName: 'Anne Isabella' })
    const location = created.headers.get('location') ?? ''
    expect(location).toMatch(/^http:\/\/clinic\.internal\/owners\/find;jsessionid=[0-9A-F]{32}$/)
    const search = await visitor.get(location)
    expect(search.body).toContain('Anne Isabella Lovelace is now an owner')
    expect(search.headers.getSetCookie()).toEqual([])
  })

  it('an unknown id gets a new session, never the one it asked for', async () => {
    const visitor = visit(clinic.url)
    const id = 'A'.repeat(32)
    await visitor.get(`/owners/find;jsessionid=${id}`)
    expect(visitor.cookies.get('JSESSIONID')).not.toBe(id)
  })

  it.each(['', 'guessed'])('a POST with the CSRF token "%s" is 403 and changes nothing', async (token) => {
    const visitor = visit(clinic.url)
    await visitor.get('/owners/new')
    const { status } = await visitor.post('/owners/new', { ...ADA, lastName: 'Forged', _csrf: token })
    expect(status).toBe(403)
    expect((await visitor.get('/owners?lastName=Forged')).headers.get('location')).toContain('/owners/find')
  })

  it('a CSRF token of another session is 403', async () => {
    const [thief, owner] = [visit(clinic.url), visit(clinic.url)]
    const token = /name="_csrf" value="([^"]+)"/.exec((await thief.get('/owners/new')).body)?.[1] ?? ''
    await owner.get('/')
    expect((await owner.post('/owners/new', { ...ADA, _csrf: token })).status).toBe(403)
    expect((await thief.post('/owners/new', { ...ADA, _csrf: token })).status).toBe(302)
  })
})

type Mapping = {
  readonly predicate: string
  readonly details: {
    readonly requestMappingConditions: { readonly methods: string[]; readonly patterns: string[] }
  } | null
}

async function publishedMappings(url: string): Promise<readonly Mapping[]> {
  const document = JSON.parse((await visit(url).get('/manage/mappings')).body)
  return document.contexts.application.mappings.dispatcherServlets.dispatcherServlet
}

const operationsOf = (mappings: readonly Mapping[]): readonly string[] =>
  mappings.flatMap(({ details }) => {
    const { methods = [], patterns = [] } = details?.requestMappingConditions ?? {}
    return methods.flatMap((method) => patterns.map((pattern) => `${method} ${pattern}`))
  })

describe('what the clinic publishes', () => {
  it('is up', async () => {
    expect(JSON.parse((await visit(clinic.url).get('/manage/health')).body)).toEqual({ status: 'UP' })
  })

  it('its mappings are its 19 operations and what Boot adds', async () => {
    const mappings = await publishedMappings(clinic.url)
    const own = operationsOf(mappings).filter((operation) => !operation.includes('/manage'))
    const table = CLINIC_ROUTES.flatMap(({ methods, patterns }) => methods.map((method) => `${method} ${patterns[0]}`))
    expect([...own].sort()).toEqual([...table].sort())
    expect(own).toHaveLength(19)

    const added = mappings.map(({ predicate }) => predicate).filter((text) => /error|manage|^\//.test(text))
    expect(added).toEqual([
      '{GET [/manage], produces [application/vnd.spring-boot.actuator.v3+json || application/json]}',
      '{GET [/manage/health], produces [application/vnd.spring-boot.actuator.v3+json || application/json]}',
      '{GET [/manage/mappings], produces [application/vnd.spring-boot.actuator.v3+json || application/json]}',
      '{ [/error], produces [text/html]}',
      '{ [/error]}',
      '/webjars/**',
      '/**',
    ])
  })

  it('a handler added to the table answers and is published by itself', async () => {
    const own = await startClinic({ port: 0, clinicHost: 'clinic.internal' })
    try {
      expect((await visit(own.url).get('/owners/6/bill')).status).toBe(404)
      own.add({
        handler: 'owner.BillController#show',
        methods: ['GET'],
        patterns: ['/owners/{ownerId}/bill'],
        answer: ({ params }) => ({ status: 200, headers: [], body: `owner ${params.ownerId} owes nothing` }),
      })
      expect((await visit(own.url).get('/owners/6/bill')).body).toBe('owner 6 owes nothing')
      expect(operationsOf(await publishedMappings(own.url))).toContain('GET /owners/{ownerId}/bill')
    } finally {
      await own.close()
    }
  })
})
