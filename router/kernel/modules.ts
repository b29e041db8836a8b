import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The file of a module that is started, not imported: TypeScript in a clone, JavaScript in the published package,
 * whichever the caller is. `name` has no extension and is relative to the caller.
 */
export function moduleFile(callerUrl: string, name: string): string {
  return fileURLToPath(new URL(`${name}${extname(new URL(callerUrl).pathname)}`, callerUrl))
}
