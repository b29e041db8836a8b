import type { Vet } from './database.ts'
import type { PageAnswer, PageRequest } from './exchange.ts'
import { escapeText, html } from './html.ts'
import { page } from './layout.ts'

/** GET /vets.html: says in a Link header where its JSON and XML twins are. */
export function vetsPage(request: PageRequest): PageAnswer {
  const rows = request.store.vets().map(
    (vet) => html`<tr><td>${vet.firstName} ${vet.lastName}</td><td>${specialtyNames(vet)}</td></tr>
`,
  )
  const main = html`<h1>Veterinarians</h1>
<table>
<thead><tr><th>Name</th><th>Specialties</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
<p><a href="${request.link('/vets.json')}">View as JSON</a> · <a href="${request.link('/vets.xml')}">View as XML</a> ·
<a href="${request.link('/vets/new')}">Join us</a></p>`
  const twins = [
    `<${request.absolute('/vets.json')}>; rel="alternate"; type="application/json"`,
    `<${request.absolute('/vets.xml')}>; rel="alternate"; type="application/xml"`,
  ]
  return page(request, { title: 'Veterinarians', main, headers: [['Link', twins.join(', ')]] })
}

/** GET /vets.json */
export function vetsJson(request: PageRequest): PageAnswer {
  const vetList = request.store.vets().map((vet) => ({ ...vet, nrOfSpecialties: vet.specialties.length }))
  return { status: 200, headers: [['Content-Type', 'application/json']], body: JSON.stringify({ vetList }) }
}

/** GET /vets.xml */
export function vetsXml(request: PageRequest): PageAnswer {
  const vets = request.store.vets().map(vetXml).join('')
  const body = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<vets>${vets}</vets>\n`
  return { status: 200, headers: [['Content-Type', 'application/xml;charset=UTF-8']], body }
}

/** GET /vets/new: tells how to apply, and goes back to the list by itself. */
export function newVetPage(request: PageRequest): PageAnswer {
  const list = request.absolute('/vets.html')
  const main = html`<h1>Join us</h1>
<p>Veterinarians are entered by the head office. Write to us with your licence number and your specialties.</p>
<p>This page returns to <a href="${list}">the list of veterinarians</a> in half a minute.</p>`
  return page(request, { title: 'Join us', main, headers: [['Refresh', `30; url=${list}`]] })
}

function specialtyNames(vet: Vet): string {
  return vet.specialties.length === 0 ? 'none' : vet.specialties.map(({ name }) => name).join(', ')
}

function vetXml(vet: Vet): string {
  const specialties = vet.specialties.map(
    ({ id, name }) => `<specialties><id>${id}</id><name>${escapeText(name)}</name></specialties>`,
  )
  return `<vet><id>${vet.id}</id><firstName>${escapeText(vet.firstName)}</firstName><lastName>${escapeText(vet.lastName)}</lastName>${specialties.join('')}</vet>`
}
