/** `1 operation`, `19 operations`. */
export function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

const MAX_LENGTH = 500

// Control characters, line ends of Unicode, and those that turn the direction of writing.
const ORDERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g

/** Whether a text may be shown as it is. */
export function isPlain(text: string): boolean {
  return text.search(ORDERS) < 0
}

/** What an upstream said, as it may be shown: in one line, of bearable length, and without orders to a terminal. */
export function printable(text: string): string {
  const plain = text.replace(ORDERS, ' ')
  return plain.length > MAX_LENGTH ? `${plain.slice(0, MAX_LENGTH)}…` : plain
}
