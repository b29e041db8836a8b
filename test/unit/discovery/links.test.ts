import { describe, expect, it } from 'vitest'
import { linksOfPage, linksOfRobots, linksOfSitemap } from '../../../router/discovery/links.ts'

const paths = ({ links }: { readonly links: readonly { readonly method: string; readonly path: string }[] }) =>
  links.map(({ method, path }) => `${method} ${path}`)

describe('linksOfPage', () => {
  it.each([
    ['<a class="x" href="/vets.html?page=2#top">', 'GET /vets.html'],
    ["<A HREF='new'>", 'GET /owners/new'],
    ['<a href=../vets>', 'GET /vets'],
    ['<a href="/owners/7;jsessionid=A1/edit">', 'GET /owners/7/edit'],
    ['<a href="http://clinic.test/a">', 'GET /a'],
    ['<form action="/owners" method=post>', 'POST /owners'],
    ['<form action="/find">', 'GET /find'],
    ['<iframe src="/frame">', 'GET /frame'],
  ])('%s leads to %s', (html, link) =>
    expect(paths(linksOfPage(html, '/owners/find', ['clinic.test']))).toEqual([link]),
  )

  it.each([
    '<a>',
    '<a href="mailto:a@b.test">',
    '<a href="javascript:go()">',
    '<a data-href="/x">',
    '<abbr href="/x">',
    '<a href="http://[">',
  ])('%s leads nowhere', (html) => expect(linksOfPage(html, '/', [])).toEqual({ links: [], hosts: [] }))

  it('names other hosts', () => {
    const html = '<a href="https://b.test/x"><a href="//a.test:81/y"><a href="https://b.test/z">'
    expect(linksOfPage(html, '/', [])).toEqual({ links: [], hosts: ['a.test:81', 'b.test'] })
  })

  it.each(['<a ', '<a href=', '<a href="', '<form action='])('is quick with a megabyte of %s', (piece) => {
    const before = performance.now()
    expect(linksOfPage(piece.repeat(1_000_000 / piece.length), '/', []).links).toEqual([])
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})

describe('linksOfRobots', () => {
  it('takes paths without patterns, and sitemaps of its own', () => {
    const text =
      'Disallow: /a.html # why\nallow:/b\nDisallow: /c*\nDisallow: /d$\nDisallow: /tmp/\nDisallow:\nSitemap: http://clinic.test/s.xml\nSitemap: https://cdn.test/s.xml'
    const { sitemaps, hosts, ...robots } = linksOfRobots(text, ['clinic.test'])
    expect(paths(robots)).toEqual(['GET /a.html', 'GET /b'])
    expect([sitemaps, hosts]).toEqual([['/s.xml'], ['cdn.test']])
  })
})

describe('linksOfSitemap', () => {
  it('takes its places', () => {
    const xml = '<urlset><url><loc> http://clinic.test/a?x=1&amp;y </loc></url><url><loc>/b</loc></url></urlset>'
    expect(paths(linksOfSitemap(xml, ['clinic.test']))).toEqual(['GET /a', 'GET /b'])
  })
})
