import { DatabaseSync } from 'node:sqlite'
import { OWNERS, PET_TYPES, PETS, SPECIALTIES, VETS, VISITS } from './seed.ts'

export type OwnerFields = {
  readonly firstName: string
  readonly lastName: string
  readonly address: string
  readonly city: string
  readonly telephone: string
}
export type PetFields = { readonly name: string; readonly birthDate: string; readonly type: string }
export type VisitFields = { readonly date: string; readonly description: string }

export type Pet = PetFields & { readonly id: number; readonly ownerId: number; readonly visits: readonly VisitFields[] }
export type Owner = OwnerFields & { readonly id: number; readonly pets: readonly Pet[] }
export type Vet = {
  readonly id: number
  readonly firstName: string
  readonly lastName: string
  readonly specialties: ReadonlyArray<{ readonly id: number; readonly name: string }>
}

/** Everything the clinic keeps. Dates are YYYY-MM-DD. */
export type ClinicStore = {
  /** Owners whose last name starts with the text, in any case; all of them for an empty text. */
  findOwners(lastName: string): readonly Owner[]
  owner(id: number): Owner | undefined
  addOwner(fields: OwnerFields): number
  changeOwner(id: number, fields: OwnerFields): void
  pet(id: number): Pet | undefined
  addPet(ownerId: number, fields: PetFields): number
  changePet(id: number, fields: PetFields): void
  addVisit(petId: number, fields: VisitFields): void
  petTypes(): readonly string[]
  vets(): readonly Vet[]
  close(): void
}

/** Opens the clinic's SQLite file, or `:memory:`; a new one is given the sample records. The caller closes it. */
export function openStore(path: string): ClinicStore {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA foreign_keys = ON')
  if (database.prepare('PRAGMA user_version').get()?.user_version === 0) create(database)
  return queries(database)
}

const SCHEMA = `
  CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE specialties (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE vets (id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL);
  CREATE TABLE vet_specialties (vet_id INTEGER NOT NULL REFERENCES vets, specialty_id INTEGER NOT NULL REFERENCES specialties);
  CREATE TABLE owners (id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
    address TEXT NOT NULL, city TEXT NOT NULL, telephone TEXT NOT NULL);
  CREATE TABLE pets (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owners, name TEXT NOT NULL,
    birth_date TEXT NOT NULL, type_id INTEGER NOT NULL REFERENCES types);
  CREATE TABLE visits (id INTEGER PRIMARY KEY, pet_id INTEGER NOT NULL REFERENCES pets, visit_date TEXT NOT NULL,
    description TEXT NOT NULL);
  CREATE INDEX pets_by_owner ON pets (owner_id);
  CREATE INDEX visits_by_pet ON visits (pet_id);
  PRAGMA user_version = 1;
`

// One transaction: a clinic that is killed in its first second must not come back with half of its records.
function create(database: DatabaseSync): void {
  database.exec('BEGIN')
  database.exec(SCHEMA)
  const type = database.prepare('INSERT INTO types (name) VALUES (?)')
  for (const name of PET_TYPES) type.run(name)
  const specialty = database.prepare('INSERT INTO specialties (name) VALUES (?)')
  for (const name of SPECIALTIES) specialty.run(name)
  const vet = database.prepare('INSERT INTO vets (first_name, last_name) VALUES (?, ?)')
  const skill = database.prepare('INSERT INTO vet_specialties SELECT ?, id FROM specialties WHERE name = ?')
  for (const { firstName, lastName, specialties } of VETS) {
    const { lastInsertRowid } = vet.run(firstName, lastName)
    for (const name of specialties) skill.run(lastInsertRowid, name)
  }
  const store = queries(database)
  for (const [firstName, lastName, address, city, telephone] of OWNERS) {
    store.addOwner({ firstName, lastName, address, city, telephone })
  }
  for (const [ownerId, name, birthDate, petType] of PETS) store.addPet(ownerId, { name, birthDate, type: petType })
  for (const [petId, date, description] of VISITS) store.addVisit(petId, { date, description })
  database.exec('COMMIT')
}

type OwnerRow = OwnerFields & { readonly id: number }
type PetRow = PetFields & { readonly id: number; readonly ownerId: number }
type VetRow = Omit<Vet, 'specialties'> & { readonly specialtyId: number | null; readonly specialty: string | null }

const OWNER = 'SELECT id, first_name AS firstName, last_name AS lastName, address, city, telephone FROM owners'
const PET = `SELECT pets.id, owner_id AS ownerId, pets.name, birth_date AS birthDate, types.name AS type
  FROM pets JOIN types ON types.id = type_id`
const VISIT = 'SELECT visit_date AS date, description FROM visits WHERE pet_id = ? ORDER BY visit_date, id'
const VET = `SELECT vets.id, first_name AS firstName, last_name AS lastName, specialties.id AS specialtyId,
  specialties.name AS specialty FROM vets LEFT JOIN vet_specialties ON vet_id = vets.id
  LEFT JOIN specialties ON specialties.id = specialty_id ORDER BY vets.id, specialties.name`

function queries(database: DatabaseSync): ClinicStore {
  const ownersByName = database.prepare(
    `${OWNER} WHERE lower(substr(last_name, 1, length(?1))) = lower(?1) ORDER BY last_name, id`,
  )
  const ownerById = database.prepare(`${OWNER} WHERE id = ?`)
  const petsByOwner = database.prepare(`${PET} WHERE owner_id = ? ORDER BY pets.name, pets.id`)
  const petById = database.prepare(`${PET} WHERE pets.id = ?`)
  const visitsByPet = database.prepare(VISIT)

  const withVisits = (pet: PetRow): Pet => ({ ...pet, visits: visitsByPet.all(pet.id) as VisitFields[] })
  const withPets = (owner: OwnerRow): Owner => {
    const pets = petsByOwner.all(owner.id) as PetRow[]
    return { ...owner, pets: pets.map(withVisits) }
  }

  return {
    findOwners: (lastName) => (ownersByName.all(lastName) as OwnerRow[]).map(withPets),
    owner(id) {
      const row = ownerById.get(id) as OwnerRow | undefined
      return row && withPets(row)
    },
    pet(id) {
      const row = petById.get(id) as PetRow | undefined
      return row && withVisits(row)
    },
    petTypes: () =>
      database
        .prepare('SELECT name FROM types ORDER BY name')
        .all()
        .map((row) => String(row.name)),
    vets: () => vetsOf(database.prepare(VET).all() as VetRow[]),
    ...writes(database),
    close: () => database.close(),
  }
}

type Writes = Pick<ClinicStore, 'addOwner' | 'changeOwner' | 'addPet' | 'changePet' | 'addVisit'>

function writes(database: DatabaseSync): Writes {
  const insertOwner = database.prepare(
    'INSERT INTO owners (first_name, last_name, address, city, telephone) VALUES (?, ?, ?, ?, ?)',
  )
  const updateOwner = database.prepare(
    'UPDATE owners SET first_name = ?, last_name = ?, address = ?, city = ?, telephone = ? WHERE id = ?',
  )
  const insertPet = database.prepare(
    'INSERT INTO pets (owner_id, name, birth_date, type_id) VALUES (?, ?, ?, (SELECT id FROM types WHERE name = ?))',
  )
  const updatePet = database.prepare(
    'UPDATE pets SET name = ?, birth_date = ?, type_id = (SELECT id FROM types WHERE name = ?) WHERE id = ?',
  )
  const insertVisit = database.prepare('INSERT INTO visits (pet_id, visit_date, description) VALUES (?, ?, ?)')
  return {
    addOwner: (f) => Number(insertOwner.run(f.firstName, f.lastName, f.address, f.city, f.telephone).lastInsertRowid),
    changeOwner(id, f) {
      updateOwner.run(f.firstName, f.lastName, f.address, f.city, f.telephone, id)
    },
    addPet: (ownerId, f) => Number(insertPet.run(ownerId, f.name, f.birthDate, f.type).lastInsertRowid),
    changePet(id, f) {
      updatePet.run(f.name, f.birthDate, f.type, id)
    },
    addVisit(petId, f) {
      insertVisit.run(petId, f.date, f.description)
    },
  }
}

function vetsOf(rows: readonly VetRow[]): readonly Vet[] {
  const byId = Map.groupBy(rows, (row) => row.id)
  return [...byId.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const specialties = group.flatMap(({ specialtyId, specialty }) =>
      specialtyId === null || specialty === null ? [] : [{ id: specialtyId, name: specialty }],
    )
    return [{ id: first.id, firstName: first.firstName, lastName: first.lastName, specialties }]
  })
}
