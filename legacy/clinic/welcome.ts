import type { PageAnswer, PageRequest } from './exchange.ts'
import { html } from './html.ts'
import { page } from './layout.ts'

/** GET /: also gives the browser a cookie for the clinic's own domain. */
export function welcome(request: PageRequest): PageAnswer {
  const main = html`<h1>Welcome</h1>
<p>Everything about our owners, their pets, and those who care for them.</p>
<ul>
<li><a href="${request.link('/owners/find')}">Find an owner</a> and the visits of their pets</li>
<li><a href="${request.link('/owners/new')}">Add an owner</a></li>
<li><a href="${request.link('/vets.html')}">Our veterinarians</a></li>
</ul>`
  const domain = new URL(request.absolute('/')).hostname
  const theme = ['Set-Cookie', `clinic_theme=meadow; Domain=${domain}; Path=/`] as const
  return page(request, { title: 'Welcome', main, headers: [theme] })
}

/** GET /oups: shows what the application does when a handler throws. */
export function oups(): PageAnswer {
  throw new Error('Expected: this page shows what happens when a handler throws.')
}
