import { Hono } from 'hono'
import { html } from 'hono/html'
import { page, pathOf } from './page.ts'

/** The contact page that the monolith's menu promises and never had. */
const contact = new Hono<{ Bindings: { CLINIC_EMAIL: string } }>({ getPath: pathOf })

contact.get('/contact.html', (c) => c.html(form(c.env.CLINIC_EMAIL, EMPTY, {})))

contact.post('/contact.html', async (c) => {
  const body = await c.req.parseBody()
  const fields = { name: textOf(body.name), email: textOf(body.email), message: textOf(body.message) }
  const errors = errorsOf(fields)
  if (Object.keys(errors).length > 0) return c.html(form(c.env.CLINIC_EMAIL, fields, errors), 422)
  return c.html(thanks(fields))
})

export default contact

type Fields = { readonly name: string; readonly email: string; readonly message: string }
type Errors = Partial<Fields>

const EMPTY: Fields = { name: '', email: '', message: '' }
const MESSAGE_LIMIT = 5_000

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}

function errorsOf({ name, email, message }: Fields): Errors {
  return {
    ...(name === '' ? { name: 'must not be empty' } : {}),
    ...(/^[^\s@]+@[^\s@]+$/.test(email) ? {} : { email: 'must be an e-mail address' }),
    ...(message === '' ? { message: 'must not be empty' } : {}),
    ...(message.length > MESSAGE_LIMIT ? { message: `must not be longer than ${MESSAGE_LIMIT} characters` } : {}),
  }
}

function form(clinicEmail: string, fields: Fields, errors: Errors) {
  return page(
    'Contact',
    html`<h1>Contact</h1>
<p>Write to <a href="mailto:${clinicEmail}">${clinicEmail}</a>, or here:</p>
<form method="post" action="/contact.html">
<label for="name">Name</label>
<input id="name" name="name" value="${fields.name}">${errorText(errors.name)}
<label for="email">E-mail</label>
<input id="email" name="email" type="email" value="${fields.email}">${errorText(errors.email)}
<label for="message">Message</label>
<textarea id="message" name="message" rows="6">${fields.message}</textarea>${errorText(errors.message)}
<div><button type="submit">Send</button></div>
</form>`,
  )
}

function thanks({ name, email, message }: Fields) {
  return page(
    'Thank you',
    html`<h1>Thank you, ${name}</h1>
<p>We shall answer to ${email}. This is what you wrote:</p>
<p class="flash">${message}</p>
<p><a href="/">Home</a></p>`,
  )
}

function errorText(error: string | undefined) {
  return error === undefined ? '' : html`<span class="error">${error}</span>`
}
