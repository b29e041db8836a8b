// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as a user writes them
import { describe, expect, it } from 'vitest'
import { decodeManifest } from '../../../router/functions/manifest.ts'

const FILE = 'functions/contact/function.yaml'
const decode = (text: string) => decodeManifest(text, FILE, { EMAIL: 'canary@example', EMPTY: '' })
const manifest = (env: Record<string, string>, routes?: readonly string[]) => ({
  kind: 'manifest',
  manifest: { env, routes },
})

describe('function.yaml', () => {
  it.each([
    { why: 'an empty file', text: '', gives: manifest({}) },
    { why: 'a comment', text: '# nothing yet\n', gives: manifest({}) },
    { why: 'strings', text: 'env:\n  A: hello\n  B: "1"\n', gives: manifest({ A: 'hello', B: '1' }) },
    { why: 'a variable', text: 'env: { A: "to ${EMAIL}" }', gives: manifest({ A: 'to canary@example' }) },
    { why: 'a default for an unset one', text: 'env: { A: "${GONE:-x:-y}" }', gives: manifest({ A: 'x:-y' }) },
    { why: 'a default for an empty one', text: 'env: { A: "${EMPTY:-x}" }', gives: manifest({ A: 'x' }) },
    { why: 'an escaped reference', text: 'env: { A: "$${EMAIL}" }', gives: manifest({ A: '${EMAIL}' }) },
    { why: 'routes', text: 'routes: [GET /a, "POST /b/{id}"]', gives: manifest({}, ['GET /a', 'POST /b/{id}']) },
  ])('takes $why', ({ text, gives }) => expect(decode(text)).toEqual(gives))

  it.each([
    {
      why: 'a key of a later version',
      text: 'timeout: 5s',
      at: '1:1',
      says: 'timeout: this key is not in this version',
    },
    { why: 'an unknown key', text: 'env: {}\nrotues: []', at: '2:1', says: 'rotues: this key is unknown' },
    {
      why: 'a number',
      text: 'env:\n  A: a\n  B: 12',
      at: '3:3',
      says: 'env.B: expected a string; put the value in quotes',
    },
    { why: 'a bad name', text: 'env:\n  A-B: a', at: '2:3', says: 'env.A-B: expected a name of letters, digits and _' },
    { why: 'a list of variables', text: 'env: [A]', at: '1:1', says: 'env: expected a map of names to strings' },
    { why: 'an unset variable', text: 'env:\n  A: ${GONE}', at: '2:3', says: 'environment variable GONE is not set' },
    {
      why: 'half a reference',
      text: 'env:\n  A: "${EMAIL"',
      at: '2:3',
      says: '${EMAIL is not an environment reference',
    },
    { why: 'a file', text: 'env:\n  A: file:/run/key', at: '2:3', says: 'file: references are not in this version' },
    {
      why: 'a wrong route',
      text: 'routes:\n  - contact',
      at: '1:1',
      says: 'routes[0] "contact": expected METHOD /path',
    },
    { why: 'a list', text: '- env', at: '1:1', says: 'expected a map with the keys env and routes' },
    { why: 'a key that comes twice', text: 'env: {}\nenv: {}', at: '2:1', says: 'twice' },
    { why: 'broken YAML', text: 'env: {', at: '1:7', says: 'not valid YAML' },
  ])('refuses $why, with its place', ({ text, at, says }) => {
    const decoded = decode(text)
    expect(decoded).toMatchObject({ kind: 'broken' })
    const [problem] = decoded.kind === 'broken' ? decoded.problems : []
    expect(problem).toMatch(`${FILE}:${at} `)
    expect(problem).toContain(says)
  })

  it('reports every problem and shows no value', () => {
    const decoded = decode('memory: 1\nenv:\n  A: "${EMAIL} ${GONE}"\n  B: 3\n')
    expect(decoded).toMatchObject({ kind: 'broken', problems: { length: 3 } })
    expect(JSON.stringify(decoded)).not.toContain('canary')
  })
})
