/** An OpenAPI description of so many operations, all GET, of four kinds as applications have them. */
export function descriptionOf(count: number): string {
  const paths = templatesOf(count).map((template) => [template, { get: { responses: { 200: { description: 'ok' } } } }])
  return JSON.stringify({
    openapi: '3.0.3',
    info: { title: 'described', version: '1' },
    paths: Object.fromEntries(paths),
  })
}

/** Their templates. */
export function templatesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `/part-${index >> 2}/${KINDS[index & 3]}`)
}

/** A path that hits operation `index` of them. */
export function describedPath(index: number): string {
  const [template = ''] = templatesOf(index + 1).slice(-1)
  return template.replace('{ownerId}', '42').replace('{petId}', '7').replace('{name}', 'a.txt')
}

const KINDS = ['owners', 'owners/{ownerId}', 'owners/{ownerId}/pets/{petId}', 'files/{name}']
