import { Hono } from 'hono'

/** The veterinarians as XML, exactly as the monolith's /vets.xml has them; their records come from the vets service. */
const vetsFeed = new Hono<{ Bindings: { VETS_URL: string } }>({ getPath: pathOf })

vetsFeed.get('/vets.xml', async (c) => {
  try {
    const vets = await fetchVets(c.env.VETS_URL)
    return c.body(vetsXml(vets), 200, { 'content-type': 'application/xml;charset=UTF-8' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return c.text(`The vets service gave no list of veterinarians: ${reason}\n`, 502)
  }
})

export default vetsFeed

// Links and bookmarks of the monolith's time say `/vets.xml;jsessionid=…` and `/vets.xml/`.
function pathOf(request: Request): string {
  return new URL(request.url).pathname.replaceAll(/;[^/]*/g, '').replace(/(?<=.)\/$/, '')
}

type Vet = {
  readonly id: number
  readonly firstName: string
  readonly lastName: string
  readonly specialties: ReadonlyArray<{ readonly id: number; readonly name: string }>
}

const TIMEOUT_MS = 2_000

async function fetchVets(vetsUrl: string): Promise<readonly Vet[]> {
  const response = await fetch(new URL('/api/vets', vetsUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`GET /api/vets answered ${response.status}`)
  const document: unknown = await response.json()
  if (!isRecord(document) || !Array.isArray(document.vets) || !document.vets.every(isVet)) {
    throw new Error('GET /api/vets answered something else')
  }
  return document.vets
}

function isVet(value: unknown): value is Vet {
  return (
    isRecord(value) &&
    typeof value.id === 'number' &&
    typeof value.firstName === 'string' &&
    typeof value.lastName === 'string' &&
    Array.isArray(value.specialties) &&
    value.specialties.every((item) => isRecord(item) && typeof item.id === 'number' && typeof item.name === 'string')
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function vetsXml(vets: readonly Vet[]): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<vets>${vets.map(vetXml).join('')}</vets>\n`
}

function vetXml({ id, firstName, lastName, specialties }: Vet): string {
  const skills = specialties.map(
    (item) => `<specialties>${element('id', item.id)}${element('name', item.name)}</specialties>`,
  )
  return `<vet>${element('id', id)}${element('firstName', firstName)}${element('lastName', lastName)}${skills.join('')}</vet>`
}

function element(name: string, value: string | number): string {
  const text = String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<${name}>${text.replaceAll('"', '&quot;').replaceAll("'", '&#39;')}</${name}>`
}
