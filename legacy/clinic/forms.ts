import type { PageRequest } from './exchange.ts'
import { type Html, html } from './html.ts'

/** The message to show beside each field that was refused; empty when the form is good. */
export type FieldErrors = Readonly<Record<string, string>>

/** A form that POSTs to the page's own path and carries the session's CSRF token. */
export function form(request: PageRequest, fields: readonly Html[], submit: string): Html {
  return html`<form method="post" action="${request.link(request.path)}">
<input type="hidden" name="_csrf" value="${request.session().csrf}">
${fields}<button type="submit">${submit}</button>
</form>`
}

export type InputOptions = { readonly type?: 'text' | 'date' | 'tel'; readonly error?: string | undefined }

/** A labelled input with its error. */
export function input(name: string, label: string, value: string, { type = 'text', error }: InputOptions = {}): Html {
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}">${errorText(error)}
`
}

/** A labelled choice with its error. */
export function choice(name: string, label: string, value: string, options: readonly string[], error?: string): Html {
  const items = options.map((option) =>
    option === value ? html`<option selected>${option}</option>` : html`<option>${option}</option>`,
  )
  return html`<label for="${name}">${label}</label>
<select id="${name}" name="${name}">${items}</select>${errorText(error)}
`
}

/** A field of the POSTed form without surrounding space; empty where it is missing. */
export function posted(request: PageRequest, name: string): string {
  return request.form.get(name)?.trim() ?? ''
}

/** Whether the text is a day of the calendar as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

function errorText(error: string | undefined): Html | undefined {
  return error === undefined ? undefined : html`<span class="error">${error}</span>`
}
