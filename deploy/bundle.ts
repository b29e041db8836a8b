import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const REPOSITORY = join(import.meta.dirname, '..')

/** The services that have an image. Each is one folder of services/ with a Dockerfile. */
export const SERVICES = ['counter', 'owners', 'vets'] as const

export type Service = (typeof SERVICES)[number]

/**
 * Bundles a service into dist/images/NAME, which is the whole context of its image: one JavaScript file and its
 * source map. Gives the folder's path.
 */
export async function bundleService(service: Service): Promise<string> {
  const folder = join(REPOSITORY, 'dist', 'images', service)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
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
  return folder
}
