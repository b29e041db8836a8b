import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OperationView } from '../../router/admin/operations.ts'
import { type Estate, startEstate } from '../estate.ts'
import { type Answer, type Visitor, visit } from '../visitor.ts'
import { eventually } from './supervised.ts'

let estate: Estate

beforeAll(async () => {
  estate = await startEstate({ env: { BANYAN_PROCESSES: '2' } })
  await eventually(async () => expect((await clinicOperations()).size).toBe(19))
})
afterAll(() => estate.close())

/** `GET /owners/{}`: what the monolith implements. */
async function clinicOperations(): Promise<ReadonlySet<string>> {
  const answer = await fetch(`${estate.adminUrl}/api/operations`)
  const { operations }: { operations: OperationView[] } = JSON.parse(await answer.text())
  const own = operations.filter((one) => one.implementers.some(({ upstream }) => upstream === 'clinic'))
  return new Set(own.map(({ method, path }) => `${method} ${nameless(path)}`))
}

const nameless = (path: string): string => path.replace(/\{[^}]*\}|\*/g, '{}')

async function shift(...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await estate.banyan('shift', ...words)
  expect([code, stderr, stdout.trim()]).toEqual([0, '', expect.stringMatching(/./)])
}

const ADA = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  address: '12 St. James Sq.',
  city: 'London',
  telephone: '0205551815',
}

/** Where an answer sends the client, as a path of the router. */
function pathIn({ headers }: Answer): string {
  const location = headers.get('location') ?? ''
  expect(location).toContain(`${estate.routerUrl}/`)
  return location.slice(estate.routerUrl.length)
}

describe('a session in the monolith', () => {
  it('outlives the shifts of other routes, from the start to 100 % and back', async () => {
    const visitor = visit(estate.routerUrl)
    const form = (await visitor.get('/owners/new')).body
    const session = visitor.cookies.get('JSESSIONID')
    const token = /name="_csrf" value="([^"]+)"/.exec(form)?.[1] ?? ''

    await shift('start', 'GET /vets.html')
    expect((await visitor.get('/vets.html')).status).toBe(200)
    await shift('start', 'GET /owners/{ownerId}')
    const created = await visitor.post('/owners/new', { ...ADA, _csrf: token })
    expect(created.status).toBe(302)

    await shift('promote', 'GET /vets.html', '--to', '100%')
    expect((await visitor.get('/vets.html')).body).toContain('City')
    const found = await visitor.get(pathIn(created))
    expect(found.body).toContain('Ada Lovelace is now an owner')

    await shift('promote', 'GET /owners/{ownerId}', '--to', '100%')
    expect((await visitor.get('/owners/6')).body).toContain('the owners service')
    const nobody = await visitor.get('/owners?lastName=Nobody')
    await shift('abort', 'GET /vets.html')
    await shift('abort', 'GET /owners/{ownerId}')
    expect((await visitor.get('/vets.html')).body).not.toContain('City')
    const again = await visitor.get(pathIn(nobody))
    expect(again.body).toContain('Nobody')
    expect((await visitor.get('/owners/find')).body).not.toContain('Nobody')

    // The token of before the first shift still is the session's.
    const second = await visitor.post('/owners/new', { ...ADA, lastName: 'Byron', _csrf: token })
    expect(second.status).toBe(302)
    expect(visitor.cookies.get('JSESSIONID')).toBe(session)
  })

  it('is carried by ;jsessionid= for a browser without cookies, in links, forms and redirects', async () => {
    const visitor = visit(estate.routerUrl, { keepsCookies: false })
    const created = await visitor.submit('/owners/new', { ...ADA, firstName: 'Anne', lastName: 'King' })
    const path = pathIn(created)
    expect(path).toMatch(/^\/owners\/find;jsessionid=[0-9A-F]{32}$/)
    expect((await visitor.get(path)).body).toContain('Anne King is now an owner')
    const id = path.slice(path.indexOf(';'))
    expect((await visitor.get(`/owners/6${id}`)).body).toContain('Samantha')
    expect((await visitor.get(`/vets.html${id}`)).body).toContain('dentistry, surgery')
  })
})

/** One visitor through everything the monolith does, the refused form and the empty search included. */
async function walk(visitor: Visitor): Promise<void> {
  const pages = ['/', '/oups', '/owners/find', '/owners', '/owners?lastName=Dav', '/owners?lastName=Nobody']
  const more = ['/owners?lastName=Franklin', '/owners/6', '/owners/6/pets/7/visits/new']
  const vets = ['/vets.html', '/vets.json', '/vets.xml', '/vets/new', '/owners/', '/contact-us']
  for (const path of [...pages, ...more, ...vets]) await visitor.get(path)
  await visitor.submit('/owners/new', ADA)
  await visitor.submit('/owners/new', { ...ADA, telephone: 'none' })
  await visitor.submit('/owners/6/edit', { ...ADA, firstName: 'Jean', lastName: 'Coleman' })
  await visitor.submit('/owners/6/pets/new', { name: `Nero ${Math.random()}`, birthDate: '2020-02-29', type: 'dog' })
  await visitor.submit('/owners/6/pets/7/edit', { name: 'Samantha', birthDate: '2012-09-04', type: 'cat' })
  await visitor.submit('/owners/6/pets/7/visits/new', { date: '2024-05-06', description: 'well' })
  await visitor.post('/owners/new', { ...ADA, _csrf: 'forged' })
}

/** Keeps every answer that a visitor gets, under the operation that was asked for. */
function recording(visitor: Visitor, answers: { readonly operation: string; readonly answer: Answer }[]): Visitor {
  const keep = async (method: string, path: string, asked: Promise<Answer>): Promise<Answer> => {
    const answer = await asked
    answers.push({ operation: `${method} ${path.replace(/[;?].*/, '').replace(/\/\d+/g, '/{}')}`, answer })
    return answer
  }
  return {
    cookies: visitor.cookies,
    get: (path) => keep('GET', path, visitor.get(path)),
    send: (method, path) => keep(method, path, visitor.send(method, path)),
    post: (path, fields) => keep('POST', path, visitor.post(path, fields)),
    async submit(path, fields) {
      await this.get(path)
      return keep('POST', path, visitor.submit(path, fields))
    },
  }
}

describe("the monolith's own host", () => {
  it.each([
    { keepsCookies: true, who: 'a browser' },
    { keepsCookies: false, who: 'a browser without cookies' },
  ])('is in no header that $who gets, whatever operation it asks for', async ({ keepsCookies }) => {
    const answers: { operation: string; answer: Answer }[] = []
    await walk(recording(visit(estate.routerUrl, { keepsCookies }), answers))
    const asked = new Set(answers.map(({ operation }) => operation))
    const operations = [...(await clinicOperations())]
    expect(operations.filter((operation) => !asked.has(operation))).toEqual([])

    const own = [/clinic\.internal/i, new RegExp(estate.clinicUrl.slice('http://'.length))]
    const named = answers.flatMap(({ operation, answer }) =>
      [...answer.headers]
        .filter(([, value]) => own.some((host) => host.test(value)))
        .map(([name, value]) => `${operation}: ${name}: ${value}`),
    )
    expect(named).toEqual([])
    // All five were there to be mended.
    const seen = (name: string) => answers.filter(({ answer }) => answer.headers.get(name)?.includes(estate.routerUrl))
    for (const name of ['location', 'content-location', 'refresh', 'link']) expect(seen(name), name).not.toEqual([])
    const cookies = answers.flatMap(({ answer }) => answer.headers.getSetCookie())
    expect(cookies).toContainEqual(expect.stringMatching(/^clinic_theme=meadow; Path=\//))
  })
})
