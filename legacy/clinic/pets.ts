import type { Owner, Pet, PetFields, VisitFields } from './database.ts'
import { idParam, type PageAnswer, PageError, type PageRequest, redirect } from './exchange.ts'
import { choice, type FieldErrors, form, input, isDay, posted } from './forms.ts'
import { html } from './html.ts'
import { page } from './layout.ts'
import { ownerOf } from './owners.ts'

/** GET /owners/{ownerId}/pets/new */
export function newPetForm(request: PageRequest): PageAnswer {
  return petForm(request, ownerOf(request), { name: '', birthDate: '', type: '' }, {})
}

/** POST /owners/{ownerId}/pets/new */
export function createPet(request: PageRequest): PageAnswer {
  const owner = ownerOf(request)
  const fields = petFields(request)
  const errors = petErrors(request, owner, fields, undefined)
  if (Object.keys(errors).length > 0) return petForm(request, owner, fields, errors)
  request.store.addPet(owner.id, fields)
  return redirect(request, `/owners/${owner.id}`)
}

/** GET /owners/{ownerId}/pets/{petId}/edit */
export function editPetForm(request: PageRequest): PageAnswer {
  const owner = ownerOf(request)
  return petForm(request, owner, petOf(request, owner), {})
}

/** POST /owners/{ownerId}/pets/{petId}/edit */
export function changePet(request: PageRequest): PageAnswer {
  const owner = ownerOf(request)
  const pet = petOf(request, owner)
  const fields = petFields(request)
  const errors = petErrors(request, owner, fields, pet)
  if (Object.keys(errors).length > 0) return petForm(request, owner, fields, errors)
  request.store.changePet(pet.id, fields)
  return redirect(request, `/owners/${owner.id}`)
}

/** GET /owners/{any}/pets/{petId}/visits/new: whatever owner the path names, the pet decides. */
export function newVisitForm(request: PageRequest): PageAnswer {
  return visitForm(request, petOf(request), { date: request.today, description: '' }, {})
}

/** POST /owners/{ownerId}/pets/{petId}/visits/new */
export function createVisit(request: PageRequest): PageAnswer {
  const pet = petOf(request, ownerOf(request))
  const fields = { date: posted(request, 'date'), description: posted(request, 'description') }
  const errors: FieldErrors = {
    ...(isDay(fields.date) ? {} : { date: 'must be a day as YYYY-MM-DD' }),
    ...(fields.description === '' ? { description: 'must not be empty' } : {}),
  }
  if (Object.keys(errors).length > 0) return visitForm(request, pet, fields, errors)
  request.store.addVisit(pet.id, fields)
  return redirect(request, `/owners/${pet.ownerId}`)
}

function petOf(request: PageRequest, owner?: Owner): Pet {
  const id = idParam(request, 'petId')
  const pet = request.store.pet(id)
  if (pet !== undefined && (owner === undefined || owner.id === pet.ownerId)) return pet
  throw new PageError(404, owner ? `Owner ${owner.id} has no pet number ${id}.` : `There is no pet number ${id}.`)
}

function petFields(request: PageRequest): PetFields {
  return { name: posted(request, 'name'), birthDate: posted(request, 'birthDate'), type: posted(request, 'type') }
}

function petErrors(request: PageRequest, owner: Owner, fields: PetFields, changed: Pet | undefined): FieldErrors {
  const errors: Record<string, string> = {}
  const name = fields.name.toLowerCase()
  if (name === '') errors.name = 'must not be empty'
  else if (owner.pets.some((pet) => pet.id !== changed?.id && pet.name.toLowerCase() === name)) {
    errors.name = 'is already in use'
  }
  if (!isDay(fields.birthDate)) errors.birthDate = 'must be a day as YYYY-MM-DD'
  else if (fields.birthDate > request.today) errors.birthDate = 'must not be in the future'
  if (!request.store.petTypes().includes(fields.type)) errors.type = 'must be one of the list'
  return errors
}

function petForm(request: PageRequest, owner: Owner, fields: PetFields, errors: FieldErrors): PageAnswer {
  const submit = request.params.petId === undefined ? 'Add pet' : 'Update pet'
  const inputs = [
    input('name', 'Name', fields.name, { error: errors.name }),
    input('birthDate', 'Birth date', fields.birthDate, { type: 'date', error: errors.birthDate }),
    choice('type', 'Type', fields.type, request.store.petTypes(), errors.type),
  ]
  const main = html`<h1>${submit}</h1>
<p>Owner: <a href="${request.link(`/owners/${owner.id}`)}">${owner.firstName} ${owner.lastName}</a></p>
${form(request, inputs, submit)}`
  return page(request, { title: submit, main })
}

function visitForm(request: PageRequest, pet: Pet, fields: VisitFields, errors: FieldErrors): PageAnswer {
  const inputs = [
    input('date', 'Date', fields.date, { type: 'date', error: errors.date }),
    input('description', 'Description', fields.description, { error: errors.description }),
  ]
  const earlier = pet.visits.map(
    (visit) => html`<tr><td>${visit.date}</td><td>${visit.description}</td></tr>
`,
  )
  const main = html`<h1>New visit</h1>
<p>Pet: ${pet.name}, ${pet.type}, born ${pet.birthDate}</p>
${form(request, inputs, 'Add visit')}
<h2>Previous visits</h2>
${earlier.length === 0 ? html`<p>None.</p>` : html`<table>${earlier}</table>`}`
  return page(request, { title: 'New visit', main })
}
