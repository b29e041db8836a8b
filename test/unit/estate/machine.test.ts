import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'

const read = (name: string) => readFileSync(new URL(`../../../legacy/${name}`, import.meta.url), 'utf8')

it('cloud-init writes the systemd unit word for word', () => {
  const { write_files: files }: { write_files: ReadonlyArray<{ path: string; content: string }> } = parse(
    read('cloud-init.yaml'),
  )
  const unit = files.find(({ path }) => path === '/etc/systemd/system/clinic.service')
  expect(unit?.content).toBe(read('systemd/clinic.service'))
})

it('the unit starts what the README builds', () => {
  expect(read('systemd/clinic.service')).toContain('ExecStart=/usr/local/bin/node /opt/clinic/clinic.cjs')
  expect(read('README.md')).toContain('scp clinic.cjs root@clinic.internal:/opt/clinic/')
})
