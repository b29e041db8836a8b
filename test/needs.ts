import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

export type Tool =
  | 'redis'
  | 'docker'
  | 'chromium'
  | 'nginx'
  | 'kubernetes'
  | 'wrk'
  | 'openssl'
  | 'curl'
  | 'haproxy'
  | 'nghttp'

export type Need = {
  readonly available: boolean
  /** Why the tool cannot be used; empty where it can. */
  readonly why: string
  /** The program to start; empty where there is none. */
  readonly program: string
}

/** Whether a real tool that a test drives is on this machine. */
export function needs(tool: Tool): Need {
  const names = PROGRAMS[tool]
  if (tool === 'kubernetes') return kubernetesNeed(names)
  const program = findProgram(names)
  if (program === undefined) return { available: false, why: `${names.join(' or ')} is not installed`, program: '' }
  if (tool === 'docker') return dockerNeed(program)
  return { available: true, why: '', program }
}

/** A suite that needs a tool: where it is absent the suite is skipped, and its name says why. */
export function describeWith(tool: Tool, name: string, suite: (program: string) => void): void {
  const { available, why, program } = needs(tool)
  describe.skipIf(!available)(available ? name : `${name} [skipped: ${why}]`, () => suite(program))
}

const PROGRAMS: Readonly<Record<Tool, readonly string[]>> = {
  redis: ['redis-server'],
  docker: ['docker'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  nginx: ['nginx'],
  kubernetes: ['etcd', 'kube-apiserver', 'kube-controller-manager'],
  wrk: ['wrk'],
  openssl: ['openssl'],
  curl: ['curl'],
  haproxy: ['haproxy'],
  nghttp: ['nghttp'],
}

// Debian keeps nginx where only root's PATH leads.
function findProgram(names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function dockerNeed(program: string): Need {
  const { status } = spawnSync(program, ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 })
  return status === 0
    ? { available: true, why: '', program }
    : { available: false, why: 'the docker engine does not answer', program }
}

// In no package, so they are looked for where Kubernetes' own tests do. The program is the folder of all of them.
function kubernetesNeed(names: readonly string[]): Need {
  const folder = process.env.KUBEBUILDER_ASSETS ?? ''
  const missing = names.filter((name) => !isProgram(join(folder, name)))
  if (folder !== '' && missing.length === 0) return { available: true, why: '', program: folder }
  const why = folder === '' ? 'KUBEBUILDER_ASSETS is not set' : `KUBEBUILDER_ASSETS has no ${missing.join(', ')}`
  return { available: false, why, program: '' }
}
