/** Text that arrives in pieces, cut at newlines. */
export type Lines = {
  /** The lines that this piece completed. Throws where one gets longer than anything a server would send. */
  push(piece: Uint8Array): readonly string[]
}

/** An object of the API is at most some megabytes; etcd takes 1.5 MiB. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

export function splitLines(most = MAX_LINE_BYTES): Lines {
  let rest: Uint8Array[] = []
  let size = 0
  const decoder = new TextDecoder()
  return {
    push(piece) {
      const lines: string[] = []
      let start = 0
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
        const line = decoder.decode(Buffer.concat([...rest, piece.subarray(start, end)]))
        if (line !== '') lines.push(line)
        rest = []
        size = 0
        start = end + 1
      }
      size += piece.length - start
      if (size > most) throw new Error(`one event is longer than ${most} bytes`)
      if (start < piece.length) rest.push(piece.subarray(start))
      return lines
    },
  }
}

const NEWLINE = 0x0a
