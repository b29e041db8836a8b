import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/**
 * A file to be read line by line, compressed with gzip or not; lines longer than `longest` are cut. `read` is told how
 * many more bytes of the file have been read.
 */
export async function* linesOf(
  file: string,
  longest: number,
  read: (bytes: number) => void = () => {},
): AsyncIterable<string> {
  const raw = createReadStream(file)
  const compressed = await isCompressed(file)
  const stream = compressed ? pipeline(raw, counting(read), createGunzip(), () => {}) : counting(read)(raw)
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) yield part.slice(0, longest)
      if (rest.length > longest) rest = rest.slice(0, longest)
    }
    if (rest !== '') yield rest
  } finally {
    raw.destroy()
  }
}

function counting(read: (bytes: number) => void) {
  return async function* count(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of source) {
      read(chunk.length)
      yield chunk
    }
  }
}

/** The first characters of a file, decompressed. */
export async function beginningOf(file: string): Promise<string> {
  for await (const line of linesOf(file, 4_096)) {
    if (line.trim() !== '') return line
  }
  return ''
}

async function isCompressed(file: string): Promise<boolean> {
  await using handle = await open(file)
  const { bytesRead, buffer } = await handle.read(new Uint8Array(2), 0, 2, 0)
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
}
