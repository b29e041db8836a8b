import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { FileDescriptorProtoSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { decodeAnswer, encodeQuestion } from '../../../router/discovery/detectors/grpc/messages.ts'
import { readDescriptors } from '../../../router/discovery/detectors/grpc/read.ts'
import { templateOfHttpPath } from '../../../router/discovery/detectors/grpc/template.ts'
import { readBytes } from '../../../router/discovery/reading.ts'

/** Files as the detector hands them on: each behind its length. */
function files(...described: readonly MessageInitShape<typeof FileDescriptorProtoSchema>[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const file of described) {
    const bytes = toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, file))
    writer.fixed32(
      Buffer.from([bytes.length >> 24, bytes.length >> 16, bytes.length >> 8, bytes.length]).readUInt32LE(),
    )
    writer.raw(bytes)
  }
  return writer.finish()
}

/** A method whose options hold google.api.http with these fields. */
function annotated(name: string, rule: (writer: BinaryWriter) => BinaryWriter) {
  const data = new BinaryWriter().bytes(rule(new BinaryWriter()).finish()).finish()
  const options = create(MethodOptionsSchema)
  options.$unknown = [{ no: 72295728, wireType: WireType.LengthDelimited, data }]
  return { name, options }
}

const text = (writer: BinaryWriter, field: number, value: string) =>
  writer.tag(field, WireType.LengthDelimited).string(value)

function listed(bytes: Uint8Array, services: readonly string[]): string[] {
  const reading = readDescriptors(bytes, services)
  if (reading.kind !== 'read') throw new Error(JSON.stringify(reading))
  return reading.operations.map(
    ({ method, template, detail }) => `${method} ${template}${detail ? ` (${detail})` : ''}`,
  )
}

const VETS = { package: 'clinic.v1', service: [{ name: 'Vets', method: [{ name: 'List' }, { name: 'Get' }] }] }

describe('readDescriptors', () => {
  it('reads the methods of the services that are served, and of no other', () => {
    const others = { package: 'clinic.v1', service: [{ name: 'Hidden', method: [{ name: 'A' }] }] }
    const bare = { service: [{ name: 'Bare', method: [{ name: 'Do' }] }] }
    expect(listed(files(VETS, others, bare), ['Bare', 'clinic.v1.Vets'])).toEqual([
      'POST /clinic.v1.Vets/List',
      'POST /clinic.v1.Vets/Get',
      'POST /Bare/Do',
    ])
  })

  it('reads HTTP annotations, additional ones too', () => {
    const method = annotated('Get', (rule) => {
      text(rule, 2, '/v1/{name=vets/*}')
      const more = text(new BinaryWriter(), 4, '/v1/vets:find').finish()
      rule.tag(11, WireType.LengthDelimited).bytes(more)
      const custom = text(text(new BinaryWriter(), 1, 'SEARCH'), 2, '/v1/vets').finish()
      return rule
        .tag(11, WireType.LengthDelimited)
        .bytes(new BinaryWriter().tag(8, WireType.LengthDelimited).bytes(custom).finish())
    })
    const file = { package: 'clinic.v1', service: [{ name: 'Vets', method: [method] }] }
    const said = 'google.api.http of clinic.v1.Vets/Get'
    expect(listed(files(file), ['clinic.v1.Vets'])).toEqual([
      'POST /clinic.v1.Vets/Get',
      `GET /v1/vets/{name} (${said})`,
      `POST /v1/vets:find (${said})`,
      `SEARCH /v1/vets (${said})`,
    ])
  })

  it('counts annotations that no template of ours can say', () => {
    const method = annotated('Get', (rule) => text(rule, 2, '/v1/{name=**}/raw'))
    const file = { package: 'clinic.v1', service: [{ name: 'Vets', method: [method] }] }
    expect(readDescriptors(files(file), ['clinic.v1.Vets'])).toMatchObject({ operations: [{}], skipped: 1 })
  })

  it('says which service nobody declares, and what cannot be read at all', () => {
    expect(readDescriptors(files(VETS), ['clinic.v1.Vets', 'clinic.v1.Pets'])).toEqual({
      kind: 'unreadable',
      why: 'does not declare clinic.v1.Pets',
    })
    const garbage = new Uint8Array([0, 0, 0, 3, 0xff, 0xff, 0xff])
    expect(readBytes(garbage, (bytes) => readDescriptors(bytes, ['a']))).toMatchObject({
      kind: 'unreadable',
      why: expect.stringMatching(/^could not be read: /),
    })
  })
})

describe('templateOfHttpPath', () => {
  it.each([
    ['/v1/vets', '/v1/vets'],
    ['/v1/vets/{id}', '/v1/vets/{id}'],
    ['/v1/{vet.name=vets/*}', '/v1/vets/{vet.name}'],
    ['/v1/{name=vets/*/visits/*}', '/v1/vets/{name}/visits/{name2}'],
    ['/v1/{name=vets/*}:cancel', '/v1/vets/{name}:cancel'],
    ['/v1/{name=vets/**}', '/v1/vets/**'],
    ['/v1/*', '/v1/*'],
    ['/v1/*:undo', '/v1/{any}:undo'],
    ['/v1/**', '/v1/**'],
    ['/v1/**/raw', undefined],
    ['/v1/{name=**}:undo', undefined],
    ['v1', undefined],
  ])('%s is %s', (path, template) => expect(templateOfHttpPath(path)).toBe(template))
})

describe('messages of reflection', () => {
  it('asks within a frame of gRPC', () => {
    expect([...encodeQuestion({ kind: 'services' })]).toEqual([0, 0, 0, 0, 3, 0x3a, 1, 0x2a])
    expect(Buffer.from(encodeQuestion({ kind: 'file', symbol: 'a.B' })).toString('latin1')).toBe(
      '\0\0\0\0\x05\x22\x03a.B',
    )
  })

  it.each([
    {
      what: 'an error',
      field: 7,
      bytes: text(new BinaryWriter(), 2, 'not found').finish(),
      answer: { kind: 'error', message: 'not found' },
    },
    {
      what: 'another answer',
      field: 5,
      bytes: new Uint8Array(),
      answer: { kind: 'error', message: 'an answer to another question' },
    },
    { what: 'no services', field: 6, bytes: new Uint8Array(), answer: { kind: 'services', names: [] } },
  ])('reads $what', ({ field, bytes, answer }) => {
    expect(decodeAnswer(new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish())).toEqual(answer)
  })
})
