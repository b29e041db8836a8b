/**
 * Builds the container images: `npm run images [-- NAME…]`, all of them without a name.
 *
 * BASE names another image to build on (default node:24-slim), TAG another tag (default dev):
 * `BASE=banyan-base:24 TAG=v1 npm run images -- banyan-counter` makes banyan-counter:v1. The router's own is called banyan.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { routerContext, serviceContext } from './contexts.ts'

const REPOSITORY = join(import.meta.dirname, '..')

type Image = { readonly dockerfile: string; readonly makeContext: (folder: string) => Promise<void> }

const IMAGES: Readonly<Record<string, Image>> = {
  banyan: { dockerfile: 'deploy/Dockerfile', makeContext: routerContext },
  'banyan-counter': serviceImage('counter'),
  'banyan-owners': serviceImage('owners'),
  'banyan-vets': serviceImage('vets'),
}

function serviceImage(service: string): Image {
  return {
    dockerfile: `services/${service}/Dockerfile`,
    makeContext: (folder) => serviceContext(service, folder),
  }
}

const { BASE, TAG = 'dev' } = process.env
const named = process.argv.slice(2)
for (const name of named.length > 0 ? named : Object.keys(IMAGES)) {
  const image = IMAGES[name]
  if (image === undefined) {
    console.error(`no image is called "${name}"; there are ${Object.keys(IMAGES).join(', ')}`)
    process.exit(2)
  }
  const context = join(REPOSITORY, 'dist', 'images', name)
  await image.makeContext(context)
  const base = BASE === undefined ? [] : ['--build-arg', `BASE=${BASE}`]
  const dockerfile = join(REPOSITORY, image.dockerfile)
  const { status, error } = spawnSync('docker', ['build', ...base, '-f', dockerfile, '-t', `${name}:${TAG}`, context], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error !== undefined) console.error(`docker could not be started: ${error.message}; install it`)
  if (status !== 0) process.exit(1)
  console.log(`built ${name}:${TAG}`)
}
