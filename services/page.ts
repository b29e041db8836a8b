import { html, raw } from 'hono/html'

type Markup = ReturnType<typeof html>

/** A whole page that looks like the monolith's: a visitor must not see where a page comes from, but in its footer. */
export function page(title: string, servedBy: string, main: Markup): Markup {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Pet Clinic</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<header><div><strong>Pet Clinic</strong><nav>${MENU.map(([path, name]) => html`<a href="${path}">${name}</a> `)}</nav></div></header>
<main>
${main}
</main>
<footer>Served by ${servedBy}.</footer>
</body>
</html>
`
}

/** A page that says what went wrong. */
export function errorPage(status: number, message: string, servedBy: string): Markup {
  const title = status === 404 ? 'Not found' : 'Something happened…'
  const main = html`<h1>${title}</h1>
<p>${message}</p>
<p>Status ${status}. <a href="/">Home</a></p>`
  return page(title, servedBy, main)
}

/**
 * The path that an app routes by: without `;jsessionid=…` and trailing slash. A service that takes pages over from the
 * monolith gets them as the monolith's links and bookmarks write them.
 */
export function pathOf(request: Request): string {
  return new URL(request.url).pathname.replaceAll(/;[^/]*/g, '').replace(/(?<=.)\/$/, '')
}

const MENU = [
  ['/', 'Home'],
  ['/owners/find', 'Find owners'],
  ['/vets.html', 'Veterinarians'],
  ['/contact.html', 'Contact'],
  ['/oups', 'Error'],
] as const

const STYLE = `
:root{--leaf:#2f6f4f;--ink:#22302a;--paper:#fff;--mist:#f3f6f2;--line:#d9e2da;--rust:#a4392b}
*{box-sizing:border-box}
body{margin:0;background:var(--mist);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
header{background:var(--leaf);color:#fff}
header>div,main,footer{max-width:60rem;margin:0 auto;padding:0 1.25rem}
header>div{display:flex;flex-wrap:wrap;gap:.5rem 2rem;align-items:center;padding-top:.9rem;padding-bottom:.9rem}
header strong{font-size:1.15rem;letter-spacing:.01em}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
nav a{color:#e4f2ea;text-decoration:none}
nav a:hover,nav a:focus{color:#fff;text-decoration:underline}
main{background:var(--paper);border:1px solid var(--line);border-top:0;padding-top:1.25rem;padding-bottom:1.75rem;min-height:24rem}
h1{font-size:1.6rem;line-height:1.25;margin:.25rem 0 1rem}
h2{font-size:1.2rem;margin:1.75rem 0 .5rem}
a{color:var(--leaf)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line)}
th[scope=row]{width:12rem}
label{display:block;font-weight:600;margin-top:.9rem}
input,select,textarea{display:block;font:inherit;width:100%;max-width:26rem;padding:.4rem .55rem;border:1px solid #aebbb1;border-radius:4px;background:#fff}
button{font:inherit;margin-top:1.25rem;padding:.45rem 1.1rem;border:0;border-radius:4px;background:var(--leaf);color:#fff;cursor:pointer}
.error{color:var(--rust);display:block}
.flash{background:#e6f2ea;border-left:4px solid var(--leaf);padding:.6rem .9rem;margin:0 0 1rem}
footer{color:#5b6b62;font-size:.85rem;padding-top:.9rem;padding-bottom:2rem}
`
