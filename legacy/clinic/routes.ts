import {
  changeOwner,
  createOwner,
  editOwnerForm,
  findOwnersForm,
  listOwners,
  newOwnerForm,
  showOwner,
} from './owners.ts'
import { changePet, createPet, createVisit, editPetForm, newPetForm, newVisitForm } from './pets.ts'
import type { ClinicRoute } from './table.ts'
import { newVetPage, vetsJson, vetsPage, vetsXml } from './vets.ts'
import { oups, welcome } from './welcome.ts'

const GET = ['GET'] as const
const POST = ['POST'] as const

/** The route table of the monolith: 19 operations. */
export const CLINIC_ROUTES: readonly ClinicRoute[] = [
  { handler: 'system.WelcomeController#welcome', methods: GET, patterns: ['/'], answer: welcome },
  { handler: 'system.CrashController#triggerException', methods: GET, patterns: ['/oups'], answer: oups },

  { handler: 'owner.OwnerController#initCreationForm', methods: GET, patterns: ['/owners/new'], answer: newOwnerForm },
  {
    handler: 'owner.OwnerController#processCreationForm',
    methods: POST,
    patterns: ['/owners/new'],
    answer: createOwner,
  },
  { handler: 'owner.OwnerController#initFindForm', methods: GET, patterns: ['/owners/find'], answer: findOwnersForm },
  { handler: 'owner.OwnerController#processFindForm', methods: GET, patterns: ['/owners'], answer: listOwners },
  { handler: 'owner.OwnerController#showOwner', methods: GET, patterns: ['/owners/{ownerId}'], answer: showOwner },
  {
    handler: 'owner.OwnerController#initUpdateOwnerForm',
    methods: GET,
    patterns: ['/owners/{ownerId}/edit'],
    answer: editOwnerForm,
  },
  {
    handler: 'owner.OwnerController#processUpdateOwnerForm',
    methods: POST,
    patterns: ['/owners/{ownerId}/edit'],
    answer: changeOwner,
  },

  {
    handler: 'owner.PetController#initCreationForm',
    methods: GET,
    patterns: ['/owners/{ownerId}/pets/new'],
    answer: newPetForm,
  },
  {
    handler: 'owner.PetController#processCreationForm',
    methods: POST,
    patterns: ['/owners/{ownerId}/pets/new'],
    answer: createPet,
  },
  {
    handler: 'owner.PetController#initUpdateForm',
    methods: GET,
    patterns: ['/owners/{ownerId}/pets/{petId}/edit'],
    answer: editPetForm,
  },
  {
    handler: 'owner.PetController#processUpdateForm',
    methods: POST,
    patterns: ['/owners/{ownerId}/pets/{petId}/edit'],
    answer: changePet,
  },

  {
    handler: 'owner.VisitController#initNewVisitForm',
    methods: GET,
    patterns: ['/owners/*/pets/{petId}/visits/new'],
    answer: newVisitForm,
  },
  {
    handler: 'owner.VisitController#processNewVisitForm',
    methods: POST,
    patterns: ['/owners/{ownerId}/pets/{petId}/visits/new'],
    answer: createVisit,
  },

  { handler: 'vet.VetController#showVetList', methods: GET, patterns: ['/vets.html'], answer: vetsPage },
  {
    handler: 'vet.VetController#showJsonVetList',
    methods: GET,
    patterns: ['/vets.json'],
    produces: ['application/json'],
    answer: vetsJson,
  },
  {
    handler: 'vet.VetController#showXmlVetList',
    methods: GET,
    patterns: ['/vets.xml'],
    produces: ['application/xml'],
    answer: vetsXml,
  },
  { handler: 'vet.VetController#initCreationForm', methods: GET, patterns: ['/vets/new'], answer: newVetPage },
]
