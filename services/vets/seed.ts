export type Vet = {
  readonly id: number
  readonly firstName: string
  readonly lastName: string
  readonly city: string
  readonly specialties: ReadonlyArray<{ readonly id: number; readonly name: string }>
}

const radiology = { id: 1, name: 'radiology' }
const surgery = { id: 2, name: 'surgery' }
const dentistry = { id: 3, name: 'dentistry' }

/** The veterinarians as the monolith has them, and the city they work in, which only this service knows. */
export const VETS: readonly Vet[] = [
  { id: 1, firstName: 'James', lastName: 'Carter', city: 'Madison', specialties: [] },
  { id: 2, firstName: 'Helen', lastName: 'Leary', city: 'Sun Prairie', specialties: [radiology] },
  { id: 3, firstName: 'Linda', lastName: 'Douglas', city: 'McFarland', specialties: [dentistry, surgery] },
  { id: 4, firstName: 'Rafael', lastName: 'Ortega', city: 'Windsor', specialties: [surgery] },
  { id: 5, firstName: 'Henry', lastName: 'Stevens', city: 'Monona', specialties: [radiology] },
  { id: 6, firstName: 'Sharon', lastName: 'Jenkins', city: 'Waunakee', specialties: [] },
]
