import { operationKey } from '../kernel/template.ts'
import type { ShiftRecord } from '../model/shift.ts'

/** A shift by its id or by the one operation it moves, whatever its parameters are called. */
export function findShift<T extends Pick<ShiftRecord, 'id' | 'match'>>(
  name: string,
  records: readonly T[],
): T | undefined {
  const key = namedOperation(name)
  return (
    records.find((record) => record.id === name) ??
    records.find(({ match: { path, methods = [] } }) => {
      return path !== undefined && methods.length === 1 && methods.some((method) => operationKey(method, path) === key)
    })
  )
}

/** `get /owners/{id}` → `GET /owners/{}`; undefined where the name is no method and path. */
export function namedOperation(name: string): string | undefined {
  const [, method, template] = /^([A-Za-z]+)\s+(\/\S*)$/.exec(name.trim()) ?? []
  return method === undefined || template === undefined ? undefined : operationKey(method, template)
}
