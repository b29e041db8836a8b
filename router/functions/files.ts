import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FunctionFolder } from './bundle.ts'

/**
 * Every function below `folder`: a folder with an index.ts or index.js. A missing folder has none. Folders whose
 * name cannot be the name of an upstream are left out, as are hidden ones and node_modules.
 */
export async function listFunctions(folder: string): Promise<FunctionFolder[]> {
  const names = (await entriesOf(folder)).map(({ name }) => name).filter((name) => NAME.test(name))
  const found = await Promise.all(names.sort().map((name) => functionIn(join(folder, name), name)))
  return found.filter((one) => one !== undefined)
}

/** What changes when one of the files does: sizes, times and identities of all of them. */
export async function fingerprint(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map(async (file) => {
      const stats = await statIfThere(file)
      return stats === undefined ? `${file} gone` : `${file} ${stats.size} ${stats.mtimeMs} ${stats.ino}`
    }),
  )
  return stamps.join('\n')
}

/** Every file and folder below a function's folder; packages and hidden ones left out, bounded. */
export async function walk(folder: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const files: string[] = []
  const folders = [folder]
  for (const current of folders) {
    for (const entry of await entriesOf(current)) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const path = join(current, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else files.push(path)
    }
    if (files.length > FILES_LIMIT || folders.length > FILES_LIMIT) break
  }
  return { files: files.sort(), folders }
}

const NAME = /^(?!node_modules$)[A-Za-z0-9][A-Za-z0-9._-]*$/
// A function with more files of its own than this is a mistake, such as a link to the whole disk.
const FILES_LIMIT = 2_000

async function functionIn(path: string, name: string): Promise<FunctionFolder | undefined> {
  for (const index of ['index.ts', 'index.js']) {
    const entry = join(path, index)
    if ((await statIfThere(entry))?.isFile()) return { name: `functions/${name}`, path, entry }
  }
  return undefined
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

async function statIfThere(path: string) {
  try {
    return await stat(path)
  } catch {
    return undefined
  }
}
