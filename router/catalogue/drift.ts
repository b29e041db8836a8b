import type { Catalogue, CatalogueOperation, Observation } from '../model/catalogue.ts'
import type { Contract } from '../model/contract.ts'
import { compareContracts, type Difference } from './compare.ts'
import { operationKeys } from './keys.ts'

/** Where implementers of one operation promise different things. */
export type Drift = {
  /** Operations with differences, by path and method; those that break a client first within each. */
  readonly operations: readonly DriftedOperation[]
  /** Pairs that were compared, those without a difference included. */
  readonly compared: number
  /** Operations that several implement and that could not be compared. */
  readonly uncompared: readonly Uncompared[]
}

export type DriftedOperation = Pair & { readonly differences: readonly Difference[] }

/** `silent`: those of the two that publish no description of what they take and answer. */
export type Uncompared = Pair & { readonly silent: readonly string[] }

type Pair = {
  readonly method: string
  readonly path: string
  /** Answers it today. */
  readonly incumbent: string
  readonly candidate: string
  /** Id of the shift that moves it between the two; null: none does. */
  readonly shift: string | null
}

export type DriftWorld = {
  readonly catalogue: Catalogue
  readonly observations: readonly Observation[]
  /** Who answers an operation now, and the shift that decides on it; undefined: nobody. */
  readonly served: (operation: CatalogueOperation) => Served | undefined
}

export type Served = {
  readonly upstream: string
  readonly shift: { readonly id: string; readonly between: readonly string[] } | undefined
}

/** Compares who answers each operation today with everybody else who implements it. Pure. */
export function findDrift({ catalogue, observations, served }: DriftWorld): Drift {
  const contracts = contractsOf(observations)
  const operations: DriftedOperation[] = []
  const uncompared: Uncompared[] = []
  let compared = 0
  for (const operation of catalogue.operations) {
    const { key, method, template: path, implementations, owner } = operation
    if (implementations.length < 2) continue
    const known = implementations.map(({ upstream }) => upstream)
    const now = served(operation)
    const incumbent = [now?.upstream, owner].find((name) => name !== undefined && known.includes(name)) ?? known[0]
    if (incumbent === undefined) continue
    const before = contracts.get(contractKey(incumbent, key))
    for (const candidate of known.filter((name) => name !== incumbent)) {
      const shift = now?.shift?.between.includes(candidate) ? now.shift.id : null
      const pair = { method, path, incumbent, candidate, shift }
      const after = contracts.get(contractKey(candidate, key))
      if (before === undefined || after === undefined) {
        const silent = [...(before === undefined ? [incumbent] : []), ...(after === undefined ? [candidate] : [])]
        uncompared.push({ ...pair, silent })
        continue
      }
      compared += 1
      const differences = compareContracts(before, after)
      if (differences.length > 0) operations.push({ ...pair, differences })
    }
  }
  return { operations, compared, uncompared }
}

/** By upstream and operation; the first detector that has one speaks. */
function contractsOf(observations: readonly Observation[]): ReadonlyMap<string, Contract> {
  const contracts = new Map<string, Contract>()
  for (const observation of observations) {
    for (const [index, operation] of operationKeys(observation).entries()) {
      const contract = observation.operations[index]?.contract
      const key = contractKey(observation.upstream, operation)
      if (contract !== undefined && !contracts.has(key)) contracts.set(key, contract)
    }
  }
  return contracts
}

function contractKey(upstream: string, operation: string): string {
  return `${upstream} ${operation}`
}
