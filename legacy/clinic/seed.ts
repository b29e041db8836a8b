/** The records a new clinic starts with: the sample data that every pet clinic has had since 2003. */
export const PET_TYPES = ['cat', 'dog', 'lizard', 'snake', 'bird', 'hamster'] as const

export const SPECIALTIES = ['radiology', 'surgery', 'dentistry'] as const

type Specialty = (typeof SPECIALTIES)[number]

export const VETS: ReadonlyArray<{
  readonly firstName: string
  readonly lastName: string
  readonly specialties: readonly Specialty[]
}> = [
  { firstName: 'James', lastName: 'Carter', specialties: [] },
  { firstName: 'Helen', lastName: 'Leary', specialties: ['radiology'] },
  { firstName: 'Linda', lastName: 'Douglas', specialties: ['surgery', 'dentistry'] },
  { firstName: 'Rafael', lastName: 'Ortega', specialties: ['surgery'] },
  { firstName: 'Henry', lastName: 'Stevens', specialties: ['radiology'] },
  { firstName: 'Sharon', lastName: 'Jenkins', specialties: [] },
]

/** firstName, lastName, address, city, telephone; the identifier is the position, from 1. */
export const OWNERS: ReadonlyArray<readonly [string, string, string, string, string]> = [
  ['George', 'Franklin', '110 W. Liberty St.', 'Madison', '6085551023'],
  ['Betty', 'Davis', '638 Cardinal Ave.', 'Sun Prairie', '6085551749'],
  ['Eduardo', 'Rodriquez', '2693 Commerce St.', 'McFarland', '6085558763'],
  ['Harold', 'Davis', '563 Friendly St.', 'Windsor', '6085553198'],
  ['Peter', 'McTavish', '2387 S. Fair Way', 'Madison', '6085552765'],
  ['Jean', 'Coleman', '105 N. Lake St.', 'Monona', '6085552654'],
  ['Jeff', 'Black', '1450 Oak Blvd.', 'Monona', '6085555387'],
  ['Maria', 'Escobito', '345 Maple St.', 'Madison', '6085557683'],
  ['David', 'Schroeder', '2749 Blackhawk Trail', 'Madison', '6085559435'],
  ['Carlos', 'Estaban', '2335 Independence La.', 'Waunakee', '6085555487'],
]

/** ownerId, name, birth date, type; the identifier is the position, from 1. */
export const PETS: ReadonlyArray<readonly [number, string, string, (typeof PET_TYPES)[number]]> = [
  [1, 'Leo', '2010-09-07', 'cat'],
  [2, 'Basil', '2012-08-06', 'hamster'],
  [3, 'Rosy', '2011-04-17', 'dog'],
  [3, 'Jewel', '2010-03-07', 'dog'],
  [4, 'Iggy', '2010-11-30', 'lizard'],
  [5, 'George', '2010-01-20', 'snake'],
  [6, 'Samantha', '2012-09-04', 'cat'],
  [6, 'Max', '2012-09-04', 'cat'],
  [7, 'Lucky', '2011-08-06', 'bird'],
  [8, 'Mulligan', '2007-02-24', 'dog'],
  [9, 'Freddy', '2010-03-09', 'bird'],
  [10, 'Lucky', '2010-06-24', 'dog'],
  [10, 'Sly', '2012-06-08', 'cat'],
]

/** petId, date, description. */
export const VISITS: ReadonlyArray<readonly [number, string, string]> = [
  [7, '2013-01-01', 'rabies shot'],
  [8, '2013-01-02', 'rabies shot'],
  [8, '2013-01-03', 'neutered'],
  [7, '2013-01-04', 'spayed'],
]
