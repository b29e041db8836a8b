import { joinCatalogue } from '../../router/catalogue/join.ts'
import { operationKey } from '../../router/kernel/template.ts'
import type { Observation } from '../../router/model/catalogue.ts'
import { templatesOf } from './described.ts'

/**
 * `node join.ts OPERATIONS JOINS`: joins a catalogue of so many operations so often, and prints the milliseconds of
 * each as JSON. Every join reads a list of its own, as it does when an upstream has changed its description.
 */
const [count = 0, joins = 0] = process.argv.slice(2).map(Number)
const took = Array.from({ length: joins }, () => {
  const observation = observationOf(count)
  const ownership = new Map(observation.operations.map(({ template }) => [operationKey('GET', template), 'second']))
  const begin = performance.now()
  const { operations } = joinCatalogue([observation], [], ownership)
  const ms = performance.now() - begin
  if (operations.length !== count) throw new Error(`the catalogue has ${operations.length} operations, not ${count}`)
  return ms
})
console.log(JSON.stringify(took))

function observationOf(length: number): Observation {
  return {
    upstream: 'second',
    detector: 'openapi',
    state: 'answered',
    operations: templatesOf(length).map((template) => ({ method: 'GET', template })),
    confidence: 'described',
    source: 'file:operations.json',
    attempts: [],
    at: 0,
    nextAt: undefined,
  }
}
