import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** What is asked of a reflection service: the same messages in v1 and v1alpha. */
export type ReflectionQuestion =
  | { readonly kind: 'services' }
  /** The file that declares this service. */
  | { readonly kind: 'file'; readonly symbol: string }

export type ReflectionAnswer =
  | { readonly kind: 'services'; readonly names: readonly string[] }
  /** File descriptors, each a serialised google.protobuf.FileDescriptorProto. */
  | { readonly kind: 'files'; readonly files: readonly Uint8Array[] }
  | { readonly kind: 'error'; readonly message: string }

/** A ServerReflectionRequest as a gRPC message: its flag and length in front. */
export function encodeQuestion(question: ReflectionQuestion): Uint8Array {
  const writer = new BinaryWriter()
  if (question.kind === 'services') writer.tag(7, WireType.LengthDelimited).string('*')
  else writer.tag(4, WireType.LengthDelimited).string(question.symbol)
  const message = writer.finish()
  const framed = new Uint8Array(5 + message.length)
  new DataView(framed.buffer).setUint32(1, message.length)
  framed.set(message, 5)
  return framed
}

/** Reads a ServerReflectionResponse, without what stands in front of it; throws where it is none. */
export function decodeAnswer(message: Uint8Array): ReflectionAnswer {
  const fields = fieldsOf(message)
  const error = fields.find(({ number }) => number === 7)
  if (error !== undefined) return { kind: 'error', message: texts(error.bytes, 2)[0] ?? 'an error without a message' }
  const files = fields.find(({ number }) => number === 4)
  if (files !== undefined) return { kind: 'files', files: parts(files.bytes, 1) }
  const services = fields.find(({ number }) => number === 6)
  if (services === undefined) return { kind: 'error', message: 'an answer to another question' }
  return { kind: 'services', names: parts(services.bytes, 1).flatMap((service) => texts(service, 1)) }
}

/** The fields of a message that have a length: texts, bytes and messages, in their order. */
export function fieldsOf(message: Uint8Array): readonly { readonly number: number; readonly bytes: Uint8Array }[] {
  const reader = new BinaryReader(message)
  const fields: { number: number; bytes: Uint8Array }[] = []
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    if (type === WireType.LengthDelimited) fields.push({ number, bytes: reader.bytes() })
    else reader.skip(type)
  }
  return fields
}

/** The values of one field, each as its bytes. */
export function parts(message: Uint8Array, number: number): readonly Uint8Array[] {
  return fieldsOf(message).flatMap((field) => (field.number === number ? [field.bytes] : []))
}

/** The values of one field, each as text. */
export function texts(message: Uint8Array, number: number): readonly string[] {
  return parts(message, number).map((bytes) => new TextDecoder().decode(bytes))
}
