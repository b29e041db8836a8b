import type { Owner, OwnerFields, Pet } from './database.ts'
import { idParam, type PageAnswer, PageError, type PageRequest, redirect } from './exchange.ts'
import { type FieldErrors, form, input, posted } from './forms.ts'
import { type Html, html } from './html.ts'
import { page } from './layout.ts'

/** GET /owners/new */
export function newOwnerForm(request: PageRequest): PageAnswer {
  return ownerForm(request, { firstName: '', lastName: '', address: '', city: '', telephone: '' }, {})
}

/** POST /owners/new */
export function createOwner(request: PageRequest): PageAnswer {
  const fields = ownerFields(request)
  const errors = ownerErrors(fields)
  if (Object.keys(errors).length > 0) return ownerForm(request, fields, errors)
  const id = request.store.addOwner(fields)
  request.session().flash = {
    text: `${fields.firstName} ${fields.lastName} is now an owner, number ${id}.`,
    path: `/owners/${id}`,
  }
  return redirect(request, '/owners/find')
}

/** GET /owners/find: the one page that shows the flash message, and forgets it. */
export function findOwnersForm(request: PageRequest): PageAnswer {
  const session = request.session()
  const flash = session.flash
  session.flash = undefined
  const message = flash && html`<p class="flash" role="status">${flash.text}${flashLink(request, flash.path)}</p>`
  const main = html`${message}<h1>Find owners</h1>
<form method="get" action="${request.link('/owners')}">
${input('lastName', 'Last name', request.query.get('lastName') ?? '')}<button type="submit">Find owner</button>
</form>
<p><a href="${request.link('/owners/new')}">Add owner</a></p>`
  return page(request, { title: 'Find owners', main })
}

/** GET /owners?lastName=…: a list, the only owner found, or back to the search with a message. */
export function listOwners(request: PageRequest): PageAnswer {
  const lastName = request.query.get('lastName')?.trim() ?? ''
  const found = request.store.findOwners(lastName)
  const [first, second] = found
  if (first === undefined) {
    request.session().flash = { text: `No owner's last name starts with "${lastName}".` }
    return redirect(request, '/owners/find')
  }
  if (second === undefined) return redirect(request, `/owners/${first.id}`)
  const headers = [['Content-Location', request.absolute(`/owners?lastName=${encodeURIComponent(lastName)}`)]] as const
  return page(request, { title: 'Owners', main: ownersTable(request, found), headers })
}

/** GET /owners/{ownerId} */
export function showOwner(request: PageRequest): PageAnswer {
  const owner = ownerOf(request)
  const main = html`<h1>Owner information</h1>
<table>
<tr><th scope="row">Name</th><td>${owner.firstName} ${owner.lastName}</td></tr>
<tr><th scope="row">Address</th><td>${owner.address}</td></tr>
<tr><th scope="row">City</th><td>${owner.city}</td></tr>
<tr><th scope="row">Telephone</th><td>${owner.telephone}</td></tr>
</table>
<p><a href="${request.link(`/owners/${owner.id}/edit`)}">Edit owner</a> ·
<a href="${request.link(`/owners/${owner.id}/pets/new`)}">Add pet</a></p>
<h2>Pets and visits</h2>
${owner.pets.length === 0 ? html`<p>No pets yet.</p>` : owner.pets.map((pet) => petSection(request, pet))}`
  return page(request, { title: `${owner.firstName} ${owner.lastName}`, main })
}

/** GET /owners/{ownerId}/edit */
export function editOwnerForm(request: PageRequest): PageAnswer {
  return ownerForm(request, ownerOf(request), {})
}

/** POST /owners/{ownerId}/edit */
export function changeOwner(request: PageRequest): PageAnswer {
  const owner = ownerOf(request)
  const fields = ownerFields(request)
  const errors = ownerErrors(fields)
  if (Object.keys(errors).length > 0) return ownerForm(request, fields, errors)
  request.store.changeOwner(owner.id, fields)
  return redirect(request, `/owners/${owner.id}`)
}

/** The owner that the path names; 404 where there is none. */
export function ownerOf(request: PageRequest): Owner {
  const id = idParam(request, 'ownerId')
  const owner = request.store.owner(id)
  if (owner === undefined) throw new PageError(404, `There is no owner number ${id}.`)
  return owner
}

function ownerFields(request: PageRequest): OwnerFields {
  return {
    firstName: posted(request, 'firstName'),
    lastName: posted(request, 'lastName'),
    address: posted(request, 'address'),
    city: posted(request, 'city'),
    telephone: posted(request, 'telephone'),
  }
}

function ownerErrors(fields: OwnerFields): FieldErrors {
  const empty = Object.entries(fields).filter(([, value]) => value === '')
  const errors = Object.fromEntries(empty.map(([name]) => [name, 'must not be empty']))
  if (/^\d{10}$/.test(fields.telephone)) return errors
  return { ...errors, telephone: 'must be a number of 10 digits' }
}

function ownerForm(request: PageRequest, fields: OwnerFields, errors: FieldErrors): PageAnswer {
  const inputs = [
    input('firstName', 'First name', fields.firstName, { error: errors.firstName }),
    input('lastName', 'Last name', fields.lastName, { error: errors.lastName }),
    input('address', 'Address', fields.address, { error: errors.address }),
    input('city', 'City', fields.city, { error: errors.city }),
    input('telephone', 'Telephone', fields.telephone, { type: 'tel', error: errors.telephone }),
  ]
  const isNew = request.params.ownerId === undefined
  const submit = isNew ? 'Add owner' : 'Update owner'
  return page(request, { title: submit, main: html`<h1>${submit}</h1>${form(request, inputs, submit)}` })
}

function flashLink(request: PageRequest, path: string | undefined): Html | undefined {
  return path === undefined ? undefined : html` <a href="${request.link(path)}">Show</a>`
}

function ownersTable(request: PageRequest, owners: readonly Owner[]): Html {
  const rows = owners.map(
    (
      owner,
    ) => html`<tr><td><a href="${request.link(`/owners/${owner.id}`)}">${owner.firstName} ${owner.lastName}</a></td>
<td>${owner.address}</td><td>${owner.city}</td><td>${owner.telephone}</td>
<td>${owner.pets.map((pet) => pet.name).join(', ')}</td></tr>
`,
  )
  return html`<h1>Owners</h1>
<table>
<thead><tr><th>Name</th><th>Address</th><th>City</th><th>Telephone</th><th>Pets</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`
}

function petSection(request: PageRequest, pet: Pet): Html {
  const base = `/owners/${pet.ownerId}/pets/${pet.id}`
  const visits = pet.visits.map(
    (visit) => html`<tr><td>${visit.date}</td><td>${visit.description}</td></tr>
`,
  )
  return html`<table>
<tr><th scope="row">Name</th><td>${pet.name}</td></tr>
<tr><th scope="row">Born</th><td>${pet.birthDate}</td></tr>
<tr><th scope="row">Type</th><td>${pet.type}</td></tr>
${visits}</table>
<p><a href="${request.link(`${base}/edit`)}">Edit pet</a> ·
<a href="${request.link(`${base}/visits/new`)}">Add visit</a></p>
`
}
