import type { PageAnswer, PageRequest } from './exchange.ts'
import { Html, html } from './html.ts'
import { STYLE } from './style.ts'

/** What differs from page to page; status is 200 unless given. */
export type PageContent = {
  readonly title: string
  readonly main: Html
  readonly status?: number
  readonly headers?: PageAnswer['headers']
}

/** A whole page with menu and footer. */
export function page(request: PageRequest, { title, main, status = 200, headers = [] }: PageContent): PageAnswer {
  const address = request.absolute(request.path)
  const document = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Pet Clinic</title>
<link rel="canonical" href="${address}">
<link rel="icon" href="data:,">
<style>${new Html(STYLE)}</style>
</head>
<body>
<header><div><strong>Pet Clinic</strong>${menu(request)}</div></header>
<main>
${main}
</main>
<footer>Served by the clinic application. Address of this page: <a href="${address}">${address}</a></footer>
</body>
</html>
`
  return { status, headers: [['Content-Type', 'text/html;charset=UTF-8'], ...headers], body: document.text }
}

// The contact page was promised with the first release and never written.
const MENU = [
  ['/', 'Home'],
  ['/owners/find', 'Find owners'],
  ['/vets.html', 'Veterinarians'],
  ['/contact.html', 'Contact'],
  ['/oups', 'Error'],
] as const

function menu(request: PageRequest): Html {
  return html`<nav>${MENU.map(([path, name]) => html`<a href="${request.link(path)}">${name}</a> `)}</nav>`
}
