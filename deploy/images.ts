/**
 * Builds the container images: `npm run images [-- NAME…]`, all of them without a name.
 *
 * BASE names another image to build on (default node:24-slim), TAG another tag (default dev):
 * `BASE=banyan-base:24 TAG=v1 npm run images -- counter` makes banyan-counter:v1.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { bundleService, SERVICES } from './bundle.ts'

const REPOSITORY = join(import.meta.dirname, '..')

const { BASE, TAG = 'dev' } = process.env
const unknown = process.argv.slice(2).filter((name) => !SERVICES.some((service) => service === name))
if (unknown.length > 0) {
  console.error(`no image is called ${unknown.join(', ')}; there are ${SERVICES.join(', ')}`)
  process.exit(2)
}

const named = SERVICES.filter((service) => process.argv.includes(service))
for (const service of named.length > 0 ? named : SERVICES) {
  const context = await bundleService(service)
  const dockerfile = join(REPOSITORY, 'services', service, 'Dockerfile')
  const base = BASE === undefined ? [] : ['--build-arg', `BASE=${BASE}`]
  const tag = `banyan-${service}:${TAG}`
  const { status, error } = spawnSync('docker', ['build', ...base, '-f', dockerfile, '-t', tag, context], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error !== undefined) console.error(`docker could not be started: ${error.message}; install it`)
  if (status !== 0) process.exit(1)
  console.log(`built ${tag}`)
}
