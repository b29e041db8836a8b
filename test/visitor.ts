/** An answer with its body read. */
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: string }

/** A browser without its looks: keeps cookies if it wants to, follows nothing by itself. */
export type Visitor = {
  get(path: string): Promise<Answer>
  post(path: string, fields: Readonly<Record<string, string>>): Promise<Answer>
  send(method: string, path: string): Promise<Answer>
  /** Loads a page with a form, and POSTs the fields with the CSRF token and the action found in it. */
  submit(path: string, fields: Readonly<Record<string, string>>): Promise<Answer>
  readonly cookies: ReadonlyMap<string, string>
}

/** A visitor of the server at `base`; the path part of an absolute URL is asked of the same server. */
export function visit(base: string, { keepsCookies = true } = {}): Visitor {
  const cookies = new Map<string, string>()

  const send = async (method: string, path: string, form?: URLSearchParams): Promise<Answer> => {
    const headers = new Headers()
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const target = path.replace(/^https?:\/\/[^/]+/, '')
    const response = await fetch(base + target, { method, headers, redirect: 'manual', ...(form && { body: form }) })
    if (keepsCookies) {
      for (const [, name = '', value = ''] of response.headers
        .getSetCookie()
        .map((c) => /^([^=]+)=([^;]*)/.exec(c) ?? [])) {
        cookies.set(name, value)
      }
    }
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  return {
    cookies,
    send: (method, path) => send(method, path),
    get: (path) => send('GET', path),
    post: (path, fields) => send('POST', path, new URLSearchParams(fields)),
    async submit(path, fields) {
      const { body } = await send('GET', path)
      const csrf = /name="_csrf" value="([^"]+)"/.exec(body)?.[1] ?? ''
      const action = /<form method="post" action="([^"]+)"/.exec(body)?.[1] ?? path
      return send('POST', action, new URLSearchParams({ ...fields, _csrf: csrf }))
    },
  }
}
