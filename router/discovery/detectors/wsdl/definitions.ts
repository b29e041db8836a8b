import { SaxesParser, type SaxesTagNS } from 'saxes'

/** What is read of a WSDL 1.1 document. Names are local: one document has one of each. */
export type Definitions = {
  /** Bindings to SOAP by name, each with its operations in their order. */
  readonly bindings: ReadonlyMap<string, readonly string[]>
  /** Ports of its services, those that have an address. */
  readonly ports: readonly { readonly binding: string; readonly location: string }[]
}

/** A document that is no WSDL 1.1: why, as a sentence without its subject. */
export class NoWsdl extends Error {}

/** Names are resolved through all that an element stands in: without an end, depth would cost its square. */
const MAX_DEPTH = 200

const WSDL = 'http://schemas.xmlsoap.org/wsdl/'
const WSDL2 = 'http://www.w3.org/ns/wsdl'
const SOAP = ['http://schemas.xmlsoap.org/wsdl/soap/', 'http://schemas.xmlsoap.org/wsdl/soap12/']

/**
 * Reads a document; throws `NoWsdl`, or what the parser says of XML that is none. No entity of the document's own is
 * ever expanded: one with a document type is refused.
 */
export function parseDefinitions(text: string): Definitions {
  const bindings = new Map<string, string[]>()
  const ports: { binding: string; location: string }[] = []
  const above: SaxesTagNS[] = []
  let binding: SaxesTagNS | undefined
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.on('doctype', () => {
    throw new NoWsdl('has a DOCTYPE, which no WSDL needs')
  })
  parser.on('opentag', (tag) => {
    if (above.length === 0) checkRoot(tag)
    if (above.length === MAX_DEPTH) throw new NoWsdl(`is nested more than ${MAX_DEPTH} levels deep`)
    const parent = above.at(-1)
    if (tag.uri === WSDL && tag.local === 'binding' && above.length === 1) binding = tag
    if (SOAP.includes(tag.uri) && tag.local === 'binding' && parent === binding && binding) {
      bindings.set(attribute(binding, 'name'), [])
    } else if (tag.uri === WSDL && tag.local === 'operation' && parent === binding && binding) {
      bindings.get(attribute(binding, 'name'))?.push(attribute(tag, 'name'))
    } else if (SOAP.includes(tag.uri) && tag.local === 'address' && parent?.local === 'port') {
      const [, name = ''] = /(?:.*:)?(.*)/s.exec(attribute(parent, 'binding')) ?? []
      ports.push({ binding: name, location: attribute(tag, 'location').trim() })
    }
    above.push(tag)
  })
  parser.on('closetag', () => void above.pop())
  parser.write(text).close()
  return { bindings, ports }
}

function checkRoot({ uri, local }: SaxesTagNS): void {
  if (uri === WSDL2) throw new NoWsdl('is WSDL 2.0; only 1.1 is read')
  if (uri !== WSDL || local !== 'definitions') throw new NoWsdl(`is no WSDL document: its root is <${local}>`)
}

function attribute(tag: SaxesTagNS, name: string): string {
  return tag.attributes[name]?.value ?? ''
}
