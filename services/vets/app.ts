import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { html } from 'hono/html'
import { errorPage, page, pathOf } from '../page.ts'
import { VETS, type Vet } from './seed.ts'

/** The vets service: its three operations, its description at /openapi.json, and /health and /ready for who runs it. */
export function createVets(vets: readonly Vet[] = VETS) {
  const app = new OpenAPIHono({ getPath: pathOf })
  app.openapi(listVetsPage, (c) => c.html(vetsPage(vets)))
  app.openapi(newVet, (c) => c.html(newVetPage()))
  app.openapi(listVets, (c) =>
    c.json({ vets: vets.map((vet) => ({ ...vet, specialties: [...vet.specialties] })) }, 200),
  )
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Vets', version: '1.0.0' } })
  app.get('/health', (c) => c.json({ status: 'UP' }))
  app.get('/ready', (c) => c.json({ status: 'UP' }))
  app.notFound((c) => c.html(errorPage(404, 'There is no such page.', SERVED_BY), 404))
  return app
}

const SERVED_BY = 'the vets service'

const VetSchema = z
  .object({
    id: z.int(),
    firstName: z.string(),
    lastName: z.string(),
    city: z.string(),
    specialties: z.array(z.object({ id: z.int(), name: z.string() })),
  })
  .openapi('Vet')

const pageContent = { 'text/html': { schema: z.string() } }

const listVetsPage = createRoute({
  method: 'get',
  path: '/vets.html',
  operationId: 'listVetsPage',
  summary: 'The veterinarians, with the city they work in',
  responses: { 200: { description: 'A page', content: pageContent } },
})

const newVet = createRoute({
  method: 'get',
  path: '/vets/new',
  operationId: 'newVetPage',
  summary: 'How to become one of our veterinarians',
  responses: { 200: { description: 'A page', content: pageContent } },
})

const listVets = createRoute({
  method: 'get',
  path: '/api/vets',
  operationId: 'listVets',
  summary: 'The veterinarians',
  responses: {
    200: {
      description: 'All of them, by identifier',
      content: { 'application/json': { schema: z.object({ vets: z.array(VetSchema) }) } },
    },
  },
})

function vetsPage(vets: readonly Vet[]) {
  const rows = vets.map(
    (vet) => html`<tr><td>${vet.firstName} ${vet.lastName}</td><td>${vet.city}</td><td>${specialtyNames(vet)}</td></tr>
`,
  )
  const main = html`<h1>Veterinarians</h1>
<table>
<thead><tr><th>Name</th><th>City</th><th>Specialties</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
<p><a href="/vets.json">View as JSON</a> · <a href="/vets.xml">View as XML</a> ·
<a href="/vets/new">Join us</a></p>`
  return page('Veterinarians', SERVED_BY, main)
}

function newVetPage() {
  const main = html`<h1>Join us</h1>
<p>Every city on <a href="/vets.html">our list</a> is looking for veterinarians.
<a href="/contact.html">Write to us</a> with your licence number, your city and your specialties.</p>`
  return page('Join us', SERVED_BY, main)
}

function specialtyNames(vet: Vet): string {
  return vet.specialties.length === 0 ? 'none' : vet.specialties.map(({ name }) => name).join(', ')
}
