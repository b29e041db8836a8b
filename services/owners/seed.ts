export type Pet = {
  readonly id: number
  readonly name: string
  readonly birthDate: string
  readonly type: string
  readonly visits: ReadonlyArray<{ readonly date: string; readonly description: string }>
}

export type Owner = {
  readonly id: number
  readonly firstName: string
  readonly lastName: string
  readonly address: string
  readonly city: string
  readonly telephone: string
  readonly pets: readonly Pet[]
}

/** The owners that the monolith starts with. Dates are YYYY-MM-DD. */
export const OWNERS: readonly Owner[] = [
  {
    id: 1,
    firstName: 'George',
    lastName: 'Franklin',
    address: '110 W. Liberty St.',
    city: 'Madison',
    telephone: '6085551023',
    pets: [{ id: 1, name: 'Leo', birthDate: '2010-09-07', type: 'cat', visits: [] }],
  },
  {
    id: 2,
    firstName: 'Betty',
    lastName: 'Davis',
    address: '638 Cardinal Ave.',
    city: 'Sun Prairie',
    telephone: '6085551749',
    pets: [{ id: 2, name: 'Basil', birthDate: '2012-08-06', type: 'hamster', visits: [] }],
  },
  {
    id: 3,
    firstName: 'Eduardo',
    lastName: 'Rodriquez',
    address: '2693 Commerce St.',
    city: 'McFarland',
    telephone: '6085558763',
    pets: [
      { id: 4, name: 'Jewel', birthDate: '2010-03-07', type: 'dog', visits: [] },
      { id: 3, name: 'Rosy', birthDate: '2011-04-17', type: 'dog', visits: [] },
    ],
  },
  {
    id: 4,
    firstName: 'Harold',
    lastName: 'Davis',
    address: '563 Friendly St.',
    city: 'Windsor',
    telephone: '6085553198',
    pets: [{ id: 5, name: 'Iggy', birthDate: '2010-11-30', type: 'lizard', visits: [] }],
  },
  {
    id: 5,
    firstName: 'Peter',
    lastName: 'McTavish',
    address: '2387 S. Fair Way',
    city: 'Madison',
    telephone: '6085552765',
    pets: [{ id: 6, name: 'George', birthDate: '2010-01-20', type: 'snake', visits: [] }],
  },
  {
    id: 6,
    firstName: 'Jean',
    lastName: 'Coleman',
    address: '105 N. Lake St.',
    city: 'Monona',
    telephone: '6085552654',
    pets: [
      {
        id: 8,
        name: 'Max',
        birthDate: '2012-09-04',
        type: 'cat',
        visits: [
          { date: '2013-01-02', description: 'rabies shot' },
          { date: '2013-01-03', description: 'neutered' },
        ],
      },
      {
        id: 7,
        name: 'Samantha',
        birthDate: '2012-09-04',
        type: 'cat',
        visits: [
          { date: '2013-01-01', description: 'rabies shot' },
          { date: '2013-01-04', description: 'spayed' },
        ],
      },
    ],
  },
  {
    id: 7,
    firstName: 'Jeff',
    lastName: 'Black',
    address: '1450 Oak Blvd.',
    city: 'Monona',
    telephone: '6085555387',
    pets: [{ id: 9, name: 'Lucky', birthDate: '2011-08-06', type: 'bird', visits: [] }],
  },
  {
    id: 8,
    firstName: 'Maria',
    lastName: 'Escobito',
    address: '345 Maple St.',
    city: 'Madison',
    telephone: '6085557683',
    pets: [{ id: 10, name: 'Mulligan', birthDate: '2007-02-24', type: 'dog', visits: [] }],
  },
  {
    id: 9,
    firstName: 'David',
    lastName: 'Schroeder',
    address: '2749 Blackhawk Trail',
    city: 'Madison',
    telephone: '6085559435',
    pets: [{ id: 11, name: 'Freddy', birthDate: '2010-03-09', type: 'bird', visits: [] }],
  },
  {
    id: 10,
    firstName: 'Carlos',
    lastName: 'Estaban',
    address: '2335 Independence La.',
    city: 'Waunakee',
    telephone: '6085555487',
    pets: [
      { id: 12, name: 'Lucky', birthDate: '2010-06-24', type: 'dog', visits: [] },
      { id: 13, name: 'Sly', birthDate: '2012-06-08', type: 'cat', visits: [] },
    ],
  },
]
