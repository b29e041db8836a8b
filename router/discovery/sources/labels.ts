import type { DiscoverSpec, Tier } from '../../model/spec.ts'
import { printable } from '../words.ts'

/** What labels of a container, or annotations of the same names, say of an upstream. */
export type Labelled = {
  /** `banyan.upstream`: the upstream's name. */
  readonly upstream?: string
  /** `banyan.port`, as written: a number, or where ports have names one of these. */
  readonly port?: string
  /** `banyan.tier` */
  readonly tier?: Tier
  /** `banyan.operations`: `GET /vets, GET /vets/{id}` */
  readonly declares?: readonly string[]
  /** `banyan.openapi`, `banyan.mappings`, `banyan.grpc` and `banyan.wsdl` */
  readonly discover?: Partial<DiscoverSpec>
  /** What is wrong with them, one sentence each; what is wrong is left out. */
  readonly problems: readonly string[]
}

const TIERS: readonly string[] = ['legacy', 'service', 'function'] satisfies readonly Tier[]
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/

/**
 * Reads labels whose names begin with `banyan.`; others are not ours. Who writes labels is not always who runs the
 * router: a description is looked for on the upstream itself and nowhere else.
 */
export function readLabels(labels: Readonly<Record<string, string>>): Labelled {
  const problems: string[] = []
  const read = (name: string): string | undefined => {
    const value = Object.hasOwn(labels, `banyan.${name}`) ? labels[`banyan.${name}`]?.trim() : undefined
    return value === '' ? undefined : value
  }
  const checked = (name: string, expected: string, isRight: (value: string) => boolean): string | undefined => {
    const value = read(name)
    if (value === undefined || isRight(value)) return value
    problems.push(`label banyan.${name} must be ${expected}, got "${printable(value.slice(0, 80))}"; it is left out`)
    return undefined
  }
  const upstream = checked('upstream', 'letters, digits and . _ - inside, at most 63', isName)
  const port = read('port')
  const tier = checked('tier', `one of ${TIERS.join(', ')}`, (text) => TIERS.includes(text))
  const openapi = checked('openapi', 'auto, off or a path such as /openapi.json', (text) => {
    return text === 'auto' || text === 'off' || isPath(text)
  })
  const mappings = checked('mappings', 'a path such as /manage/mappings', isPath)
  const grpc = checked('grpc', 'true or false', (text) => text === 'true' || text === 'false')
  const wsdl = checked('wsdl', 'a path such as /services/vets?wsdl', isPath)
  const operations = read('operations')
  const discover = {
    ...(openapi === undefined || openapi === 'off' ? {} : { openapi }),
    ...(mappings === undefined ? {} : { mappings }),
    ...(grpc === 'true' ? { grpc: 'on' } : {}),
    ...(wsdl === undefined ? {} : { wsdl }),
  }
  return {
    ...(upstream === undefined ? {} : { upstream }),
    ...(port === undefined ? {} : { port: printable(port) }),
    ...(tier === undefined ? {} : { tier: tierOf(tier) }),
    ...(operations === undefined ? {} : { declares: listOf(operations) }),
    ...(Object.keys(discover).length === 0 ? {} : { discover }),
    problems,
  }
}

// Plans and figures are records by name, in which `constructor` and its like are there without having been put there.
function isName(text: string): boolean {
  return NAME.test(text) && !(text in Object.prototype)
}

function isPath(text: string): boolean {
  return /^\/[\x21-\x7e]*$/.test(text)
}

function tierOf(text: string): Tier {
  return text === 'legacy' || text === 'function' ? text : 'service'
}

function listOf(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
