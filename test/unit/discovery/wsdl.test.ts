import { describe, expect, it } from 'vitest'
import { readWsdl } from '../../../router/discovery/detectors/wsdl/read.ts'

const ADDRESSES = { place: '/services/vets?wsdl', hosts: ['10.0.0.1:8080'], prefix: '' }

const read = (text: string, addresses = ADDRESSES) => readWsdl(new TextEncoder().encode(text), addresses)

/** A document with these ports; a port is `binding location`. */
function wsdl(ports: readonly string[], soap = 'http://schemas.xmlsoap.org/wsdl/soap/'): string {
  const written = ports.map((port, index) => {
    const [binding, location] = port.split(' ')
    return `<port name="p${index}" binding="tns:${binding}"><s:address location="${location}"/></port>`
  })
  return `<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="${soap}" xmlns:tns="urn:vets" targetNamespace="urn:vets">
  <portType name="Vets"><operation name="GetVets"/><operation name="AddVet"/></portType>
  <binding name="VetsBinding" type="tns:Vets">
    <s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="GetVets"><s:operation soapAction="urn:GetVets"/><input><s:body use="literal"/></input></operation>
    <operation name="AddVet"><s:operation soapAction="urn:AddVet"/></operation>
  </binding>
  <binding name="Plain" type="tns:Vets"><operation name="Elsewhere"/></binding>
  <service name="VetsService">${written.join('')}</service>
</definitions>`
}

describe('readWsdl', () => {
  it('reads a path with the names of its SOAP operations', () => {
    expect(read(wsdl(['VetsBinding http://10.0.0.1:8080/services/vets']))).toEqual({
      kind: 'read',
      operations: [{ method: 'POST', template: '/services/vets', detail: 'SOAP GetVets, AddVet' }],
      skipped: 0,
    })
  })

  it.each([
    {
      what: 'SOAP 1.2 as SOAP 1.1',
      text: wsdl(['VetsBinding /services/vets'], 'http://schemas.xmlsoap.org/wsdl/soap12/'),
      operations: ['/services/vets SOAP GetVets, AddVet'],
    },
    {
      what: 'two ports at one path as one operation',
      text: wsdl(['VetsBinding /services/vets', 'Other /services/vets']),
      operations: ['/services/vets SOAP GetVets, AddVet'],
    },
    {
      what: 'a binding of another document',
      text: wsdl(['Imported /services/vets']),
      operations: ['/services/vets SOAP; its operations are in another document'],
    },
    {
      what: 'only the ports of the upstream where there are some',
      text: wsdl(['VetsBinding http://10.0.0.1:8080/a', 'VetsBinding http://other.test/b']),
      operations: ['/a SOAP GetVets, AddVet'],
    },
    {
      what: 'the first host where the document names others only',
      text: wsdl([
        'VetsBinding http://vets.internal/a',
        'VetsBinding http://other.test/b',
        'Other http://vets.internal/c',
      ]),
      operations: ['/a SOAP GetVets, AddVet', '/c SOAP; its operations are in another document'],
    },
    { what: 'addresses that cannot be read', text: wsdl(['VetsBinding http://[']), operations: [] },
  ])('takes $what', ({ text, operations }) => {
    const reading = read(text)
    if (reading.kind !== 'read') throw new Error(JSON.stringify(reading))
    expect(reading.operations.map(({ template, detail }) => `${template} ${detail}`)).toEqual(operations)
  })

  it('leaves the prefix of the upstream out', () => {
    const text = wsdl(['VetsBinding http://10.0.0.1:8080/app/services/vets'])
    expect(read(text, { ...ADDRESSES, prefix: '/app' })).toMatchObject({ operations: [{ template: '/services/vets' }] })
  })

  it('names twenty operations of a path and counts the rest', () => {
    const many = Array.from({ length: 25 }, (_, index) => `<operation name="Op${index}"/>`).join('')
    const text = wsdl(['VetsBinding /a']).replace('<operation name="GetVets"><s', `${many}<operation name="GetVets"><s`)
    expect(read(text)).toMatchObject({
      operations: [{ detail: expect.stringMatching(/^SOAP Op0, .*Op19 and 7 more$/) }],
    })
  })

  it.each(['utf-16le', 'utf-16be', 'latin1'])('reads %s', (encoding) => {
    const text = wsdl(['VetsBinding /a']).replace('"1.0"', '"1.0" encoding="ISO-8859-1"').replace('AddVet', 'AddÄ')
    const bytes = encoding === 'latin1' ? Buffer.from(text, 'latin1') : Buffer.from(`\ufeff${text}`, 'utf16le')
    if (encoding === 'utf-16be') bytes.swap16()
    expect(readWsdl(bytes, ADDRESSES)).toMatchObject({ kind: 'read', operations: [{ method: 'POST', template: '/a' }] })
  })

  it.each([
    { text: '', why: 'is empty' },
    { text: '{"openapi": "3.1.0"}', why: expect.stringContaining('is not well-formed XML: ') },
    { text: wsdl([]).slice(0, -20), why: expect.stringContaining('is not well-formed XML: ') },
    { text: '<html><body/></html>', why: 'is no WSDL document: its root is <html>' },
    { text: '<description xmlns="http://www.w3.org/ns/wsdl"/>', why: 'is WSDL 2.0; only 1.1 is read' },
  ])('says what is wrong: $why', ({ text, why }) => {
    expect(read(text)).toEqual({ kind: 'unreadable', why })
  })

  it('expands no entity of the document, and reads no file', () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">
      <!ENTITY f SYSTEM "file:///etc/passwd">]>${wsdl(['VetsBinding /&f;&b;']).replace(/^<\?xml.*\n/, '')}`
    expect(read(bomb)).toEqual({ kind: 'unreadable', why: 'has a DOCTYPE, which no WSDL needs' })
    expect(read(wsdl(['VetsBinding /&b;']))).toMatchObject({ kind: 'unreadable' })
  })

  it('stops at a document that is too deep', () => {
    const deep = `${'<documentation>'.repeat(100_000)}${'</documentation>'.repeat(100_000)}`
    const text = wsdl(['VetsBinding /a']).replace('<portType', `${deep}<portType`)
    expect(read(text)).toEqual({ kind: 'unreadable', why: 'is nested more than 200 levels deep' })
  })
})
