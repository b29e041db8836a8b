import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { html } from 'hono/html'
import { errorPage, page, pathOf } from '../page.ts'
import { OWNERS, type Owner, type Pet } from './seed.ts'

/** The owners service: one page of the monolith, its description at /openapi.json, and /health and /ready. */
export function createOwners(owners: readonly Owner[] = OWNERS) {
  const byId = new Map(owners.map((owner) => [owner.id, owner]))
  const app = new OpenAPIHono({
    getPath: pathOf,
    defaultHook: (result, c) =>
      result.success ? undefined : c.html(errorPage(400, 'The owner must be a number.', SERVED_BY), 400),
  })
  app.openapi(showOwner, (c) => {
    const { ownerId } = c.req.valid('param')
    const owner = byId.get(Number(ownerId))
    if (owner !== undefined) return c.html(ownerPage(owner), 200)
    return c.html(errorPage(404, `There is no owner number ${ownerId}.`, SERVED_BY), 404)
  })
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Owners', version: '1.0.0' } })
  app.get('/health', (c) => c.json({ status: 'UP' }))
  app.get('/ready', (c) => c.json({ status: 'UP' }))
  app.notFound((c) => c.html(errorPage(404, 'There is no such page.', SERVED_BY), 404))
  return app
}

const SERVED_BY = 'the owners service'

const pageContent = { 'text/html': { schema: z.string() } }

const showOwner = createRoute({
  method: 'get',
  path: '/owners/{ownerId}',
  operationId: 'showOwner',
  summary: 'An owner with pets and their visits',
  request: { params: z.object({ ownerId: z.string().regex(/^\d{1,9}$/) }) },
  responses: {
    200: { description: 'A page', content: pageContent },
    400: { description: 'The owner is not a number', content: pageContent },
    404: { description: 'There is no such owner', content: pageContent },
  },
})

function ownerPage(owner: Owner) {
  const main = html`<h1>Owner information</h1>
<table>
<tr><th scope="row">Name</th><td>${owner.firstName} ${owner.lastName}</td></tr>
<tr><th scope="row">Address</th><td>${owner.address}</td></tr>
<tr><th scope="row">City</th><td>${owner.city}</td></tr>
<tr><th scope="row">Telephone</th><td>${owner.telephone}</td></tr>
</table>
<p><a href="/owners/${owner.id}/edit">Edit owner</a> ·
<a href="/owners/${owner.id}/pets/new">Add pet</a></p>
<h2>Pets and visits</h2>
${owner.pets.length === 0 ? html`<p>No pets yet.</p>` : owner.pets.map((pet) => petSection(owner, pet))}`
  return page(`${owner.firstName} ${owner.lastName}`, SERVED_BY, main)
}

function petSection(owner: Owner, pet: Pet) {
  const base = `/owners/${owner.id}/pets/${pet.id}`
  const visits = pet.visits.map(
    (visit) => html`<tr><td>${visit.date}</td><td>${visit.description}</td></tr>
`,
  )
  return html`<table>
<tr><th scope="row">Name</th><td>${pet.name}</td></tr>
<tr><th scope="row">Born</th><td>${pet.birthDate}</td></tr>
<tr><th scope="row">Type</th><td>${pet.type}</td></tr>
${visits}</table>
<p><a href="${base}/edit">Edit pet</a> ·
<a href="${base}/visits/new">Add visit</a></p>
`
}
