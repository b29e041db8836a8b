import type { Spec } from '../model/spec.ts'
import type { YamlNode } from '../yaml/read.ts'
import type { Path, Reading } from './reading.ts'
import { nearest, suggest } from './suggest.ts'

const FUNCTIONS = 'functions/'
/** Beyond so many unknown names nobody reads what each may have meant, and looking takes a millisecond each. */
const MAX_GUESSED = 50

/**
 * Every name of an upstream must be one. `names` holds upstreams with broken entries too. A function that is not
 * there only warns: folders come and go, and the route is set aside until it comes. So does any name where a source
 * finds upstreams that the file does not name.
 */
export function checkReferences(
  reading: Reading,
  names: ReadonlySet<string>,
  { functions, sources }: Pick<Spec, 'functions' | 'sources'>,
  functionNames: readonly string[] | ((folder: string) => readonly string[] | undefined) | undefined,
): void {
  const found =
    functions === undefined || typeof functionNames !== 'function' ? functionNames : functionNames(functions)
  const listed = typeof found === 'function' ? undefined : found
  if (functions !== undefined && typeof functionNames === 'function' && listed === undefined) {
    reading.report({
      severity: 'warning',
      code: 'no-functions-folder',
      path: ['functions'],
      message: `folder ${reading.shown(['functions'])} cannot be read; no functions are served`,
      hint: 'make the folder, or remove functions:',
    })
  }
  const functionUpstreams = (functions === undefined ? [] : (listed ?? [])).map((name) => FUNCTIONS + name)
  const known = [...names, ...functionUpstreams]
  const finding = (sources ?? []).filter(({ discovers }) => discovers).map(({ kind }) => kind)
  for (const path of referencePlaces(reading)) {
    if (reading.full) return
    const name = reading.textAt(path)
    if (name === undefined || name === '' || names.has(name) || functionUpstreams.includes(name)) continue
    const isFunction = name.startsWith(FUNCTIONS)
    if (!isFunction && finding.length > 0) reportNotWritten(reading, path, name, known, finding)
    else reportUnknown(reading, path, name, known, isFunction && functions !== undefined)
  }
}

function referencePlaces(reading: Reading): readonly Path[] {
  const routes: YamlNode | undefined = reading.nodeAt(['routes'])
  const indexes = routes?.kind === 'list' ? [...routes.items.keys()] : []
  return [
    ['default'],
    ...indexes.flatMap((index) => [
      ['routes', index, 'to'],
      ['routes', index, 'from'],
    ]),
  ]
}

// Only a near miss is worth a word: any other name is one that a source finds, or it is set aside in its time.
function reportNotWritten(
  reading: Reading,
  path: Path,
  name: string,
  known: readonly string[],
  finding: readonly string[],
): void {
  const node = reading.nodeAt(path)
  const near = node?.kind === 'scalar' && node.substituted ? undefined : nearest(name, known)
  if (near === undefined) return
  const message = `upstream ${reading.shown(path)} is not written here; it answers 503 unless ${finding.join(' or ')} finds it`
  reading.report({ severity: 'warning', code: 'unknown-upstream', path, message, hint: `did you mean "${near}"?` })
}

function reportUnknown(reading: Reading, path: Path, name: string, known: readonly string[], world: boolean): void {
  const shown = reading.shown(path)
  const node = reading.nodeAt(path)
  const quiet = (node?.kind === 'scalar' && node.substituted) || reading.errors > MAX_GUESSED
  const hint = suggest(quiet ? undefined : name, known)
  if (world) {
    const message = `function ${shown} is not there; the route answers 503 until it is`
    reading.report({ severity: 'warning', code: 'unknown-function', path, message, hint })
  } else if (name.startsWith(FUNCTIONS)) {
    const message = `unknown upstream ${shown}: no folder of functions is set`
    reading.report({ code: 'unknown-upstream', path, message, hint: 'add functions: ./functions' })
  } else {
    const none = 'no upstreams are written; add one under upstreams:'
    reading.report({ code: 'unknown-upstream', path, message: `unknown upstream ${shown}`, hint: hint ?? none })
  }
}
