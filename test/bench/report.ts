import { ratioOf, type Spread, spreadOf } from './arithmetic.ts'
import type { Measured } from './rounds.ts'

/** A table of what was measured, each also as a ratio to those named in `against`. */
export function comparison(measured: readonly Measured[], against: readonly string[]): string {
  const bases = measured.filter(({ subject }) => against.includes(subject.name))
  const rows = measured.map(({ subject, samples }) => {
    const cpu = samples.map((sample) => sample.cpu)
    const dataplane = samples.map((sample) => sample.dataplane).filter((one) => one !== undefined)
    const ratios = bases.map((base) =>
      base.subject === subject
        ? '1'
        : range(
            ratioOf(
              cpu,
              base.samples.map((sample) => sample.cpu),
            ),
            2,
          ),
    )
    return [
      subject.name,
      range(spreadOf(cpu), 1),
      dataplane.length > 0 ? range(spreadOf(dataplane), 1) : '',
      ...ratios,
      spreadOf(samples.map(({ perSecond }) => perSecond)).median.toFixed(0),
    ]
  })
  const names = bases.map(({ subject }) => `× ${subject.name}`)
  return table(['', 'CPU µs a request', 'of it data plane', ...names, 'requests/s'], rows)
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(0)} ms`
}

/** Puts `text` where the page keeps the figures of that row; throws where it has no place for them. */
export function replaceFigures(page: string, row: string, text: string): string {
  const [begin, end] = [`<!-- figures: ${row} -->`, `<!-- end of figures: ${row} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from)
    throw new Error(`the page has no place for "${row}": it needs the lines ${begin} and ${end}`)
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`
}

/** Median, and in parentheses the lowest and the highest. */
export function range({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`
}
