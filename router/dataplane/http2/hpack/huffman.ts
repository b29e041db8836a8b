/**
 * The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: codes of one length follow one another in the
 * order of their symbols, so the lengths are all there is to know.
 */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
]
const END_OF_STRING = 256

/**
 * Decodes `bytes` from `start` to `end` into `into`, from its beginning; returns how many bytes that made, or -1: no
 * such text, or more than fits. Four bits at a time, by a table of states.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let state = 0
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = STEPS[(state << 4) | ((byte >> shift) & 15)] ?? FAULT
      if (step === FAULT) return -1
      state = step >> 9
      if ((step & EMITS) === 0) continue
      if (length === into.length) return -1
      into[length++] = step & 0xff
    }
  }
  // What is left over is padding: the beginning of the end-of-string code, less than a byte of it (RFC 7541 §5.2).
  return ACCEPTED[state] === 1 ? length : -1
}

const EMITS = 0x100
const FAULT = -1

/** A node's two branches: another node, or a symbol as ~symbol. */
type Node = [number, number]

const { steps: STEPS, accepted: ACCEPTED } = build()

/** For each inner node of the code's tree and each four bits: the node they lead to << 9, and a symbol on the way. */
function build(): { readonly steps: Int32Array; readonly accepted: Uint8Array } {
  const nodes = tree()
  const steps = new Int32Array(nodes.length * 16).fill(FAULT)
  for (let node = 0; node < nodes.length; node++) {
    for (let nibble = 0; nibble < 16; nibble++) steps[(node << 4) | nibble] = walk(nodes, node, nibble)
  }
  const accepted = new Uint8Array(nodes.length)
  let node = 0
  for (let bits = 0; bits < 8; bits++) {
    accepted[node] = 1
    node = nodes[node]?.[1] ?? 0
  }
  return { steps, accepted }
}

function tree(): Node[] {
  const nodes: Node[] = [[0, 0]]
  let code = 0
  for (let length = 5; length <= 30; length++) {
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] === length) plant(nodes, code++, length, symbol)
    }
    code *= 2
  }
  return nodes
}

function plant(nodes: Node[], code: number, length: number, symbol: number): void {
  let at = 0
  for (let bit = length - 1; bit >= 0; bit--) {
    const side = Math.floor(code / 2 ** bit) % 2 === 0 ? 0 : 1
    const node = nodes[at]
    if (node === undefined) return
    if (bit === 0) node[side] = ~symbol
    else {
      if (node[side] === 0) node[side] = nodes.push([0, 0]) - 1
      at = node[side]
    }
  }
}

function walk(nodes: readonly Node[], from: number, nibble: number): number {
  let at = from
  let emitted = 0
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[at]?.[(nibble >> bit) & 1 ? 1 : 0] ?? 0
    if (next >= 0) at = next
    else if (~next === END_OF_STRING) return FAULT
    else {
      // No code is shorter than five bits: four bring one symbol at most.
      emitted = EMITS | ~next
      at = 0
    }
  }
  return (at << 9) | emitted
}
