import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  commandLine,
  defined,
  eventually,
  get,
  type Supervised,
  serveMessage,
  stateFolder,
  supervise,
} from './supervised.ts'

let folder: string
let running: Supervised[]

beforeEach(() => {
  folder = stateFolder()
  running = []
})

afterEach(async () => {
  for (const one of running) await one.end()
  rmSync(folder, { recursive: true, force: true })
})

function start(...changes: Parameters<typeof supervise> extends [string, ...infer Rest] ? Rest : never): Supervised {
  const started = supervise(folder, ...changes)
  running.push(started)
  return started
}

/** Serves with all its processes, on this port. */
async function serving(router: Supervised, processes = 2): Promise<number> {
  const port = await router.port()
  await eventually(async () => {
    const served = (await router.connected()).filter(({ revision }) => revision > 0)
    expect(served).toHaveLength(processes)
  })
  return port
}

async function pidOf(answer: Promise<{ body: string }>): Promise<number> {
  return Number((await answer).body.split(' ').at(-2))
}

describe('the supervisor', () => {
  it('binds once and shares the port between its data-plane processes', async () => {
    const router = start()
    const port = await serving(router)
    const seen = new Set<number>()
    for (let count = 0; count < 200 && seen.size < 2; count += 1) seen.add(await pidOf(get(port)))
    expect([...seen].sort()).toEqual([...(await router.pids())].sort())
  })

  it('loses nothing but what was in flight there when a data-plane process is killed', async () => {
    const router = start()
    const port = await serving(router)
    const [victim] = await router.pids()
    let killed = false
    const begun: { before: boolean; outcome: string }[] = []
    const client = async (): Promise<void> => {
      for (let count = 0; count < 60; count += 1) {
        const one = { before: !killed, outcome: '' }
        begun.push(one)
        one.outcome = await get(port).then(({ status }) => String(status), String)
      }
    }
    const clients = Array.from({ length: 8 }, client)
    await new Promise((resolve) => setTimeout(resolve, 30))
    process.kill(defined(victim), 'SIGKILL')
    killed = true
    await Promise.all(clients)

    const lost = begun.filter(({ outcome }) => outcome !== '200')
    expect(begun.filter(({ before }) => !before).length).toBeGreaterThan(100)
    expect(lost.filter(({ before }) => !before)).toEqual([])
    expect(lost.length).toBeLessThanOrEqual(8)

    await serving(router)
    expect(await router.pids()).not.toContain(victim)
    const exits = (await router.heard('dataplane')).filter(({ event }) => event === 'exited')
    expect(exits).toMatchObject([{ pid: victim, detail: 'SIGKILL' }])
  })

  it('restarts a killed control process while the data plane serves on with what it had', async () => {
    const router = start()
    const port = await serving(router)
    const before = { control: router.controlPid(), pids: await router.pids(), first: (await router.connected())[0] }
    process.kill(before.control, 'SIGKILL')
    const during = await Promise.all(Array.from({ length: 50 }, () => get(port)))
    expect(during.every(({ status }) => status === 200)).toBe(true)

    await eventually(async () => expect(router.controlPid()).not.toBe(before.control))
    await eventually(async () => {
      const connected = await router.connected()
      expect(connected.map(({ pid }) => pid).sort()).toEqual([...before.pids].sort())
      expect(connected.every(({ revision }) => revision > defined(before.first).revision)).toBe(true)
    })
    expect((await get(port)).body).toMatch(/ again$/)
  })

  it('gives a data-plane process that starts while control is stopped the last good plan', async () => {
    const router = start()
    const port = await serving(router)
    await router.ask({ kind: 'publish', name: 'kept' })
    const before = await router.pids()
    const control = router.controlPid()
    process.kill(control, 'SIGSTOP')
    process.kill(defined(before[0]), 'SIGKILL')
    const bodies: string[] = []
    await eventually(async () => {
      const answer = await get(port)
      bodies.push(answer.body)
      expect(before).not.toContain(Number(answer.body.split(' ')[0]))
    })
    for (const body of bodies) expect(body).toMatch(/ kept$/)
    process.kill(control, 'SIGCONT')
  })

  it('when it is killed, leaves its children to finish what is in flight and to free the port', async () => {
    const router = start()
    const port = await serving(router)
    const pids = await router.pids()
    const slow = [get(port, '/slow/500'), get(port, '/slow/500'), get(port, '/slow/500')]
    await new Promise((resolve) => setTimeout(resolve, 150))
    router.supervisor.kill('SIGKILL')
    await router.ended
    await eventually(async () => {
      await expect(get(port)).rejects.toThrow(/ECONNREFUSED/)
    }, 300)

    for (const { status, body } of await Promise.all(slow)) {
      expect(status).toBe(200)
      expect(body).toMatch(/^begun \d+ first$/)
    }
    await eventually(() => {
      for (const pid of pids) expect(commandLine(pid)).toBe('')
    })
  })

  it('the next router waits for what a killed one left, then serves on the same revision line', async () => {
    const router = start()
    const port = await serving(router)
    const revision = defined((await router.connected())[0]).revision
    const slow = get(port, '/slow/2000')
    await new Promise((resolve) => setTimeout(resolve, 150))
    router.supervisor.kill('SIGKILL')
    const next = start({ listen: [{ host: '127.0.0.1', port }] })
    expect((await slow).body).toMatch(/^begun \d+ first$/)
    await serving(next)
    expect(next.log()).toMatch(/the router with pid \d+ died; waiting for its processes/)
    expect(defined((await next.connected())[0]).revision).toBeGreaterThan(revision)
    expect((await get(port)).body).toMatch(/ again$/)
  })

  it('ends leftovers that do not finish within the grace period, and says so', async () => {
    const router = start()
    await serving(router)
    const [stuck] = await router.pids()
    process.kill(defined(stuck), 'SIGSTOP')
    router.supervisor.kill('SIGKILL')
    await router.ended
    const next = start({ graceMs: 300 })
    await serving(next)
    expect(next.log()).toContain(`ended dataplane process ${stuck}, left over from the router with pid`)
  })

  it('says which key to change when a port is in use, and ends with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    const address = await new Promise((resolve) => taken.on('listening', () => resolve(taken.address())))
    const { port } = address as { port: number }
    const router = start({
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port },
      ],
    })
    expect(await router.ended).toBe(1)
    expect(router.log()).toContain(`port ${port} is in use on 127.0.0.1; free it or change listen[1].port`)
    taken.close()
  })

  it('keeps the old listeners where a changed port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    const address = await new Promise((resolve) => taken.on('listening', () => resolve(taken.address())))
    const { port: busy } = address as { port: number }
    const router = start()
    const port = await serving(router)
    const pids = await router.pids()
    const message = { ...serveMessage(folder), listen: [{ host: '127.0.0.1', port: busy }] }
    const heard = (await router.heard('listening')).length
    await router.ask({ kind: 'supervisor', message })
    const failed = await eventually(async () => defined((await router.heard('listen-failed'))[0]))
    expect(failed).toMatchObject({ address: { port: busy }, message: expect.stringContaining('is in use') })
    expect((await router.heard('listening')).slice(heard)).toMatchObject([{ listen: [{ port }], pids }])
    expect((await get(port)).status).toBe(200)
    expect(await router.pids()).toEqual(pids)
    taken.close()
  })

  it('moves to a changed port: the new one answers before the old one is dropped, under load', async () => {
    const router = start()
    const port = await serving(router)
    const before = await router.pids()
    const kept = { host: '127.0.0.1', port: 0 }
    const added = await freePort()
    const failures: string[] = []
    let stop = false
    const load = Array.from({ length: 4 }, async () => {
      while (!stop) await get(port).catch((error: unknown) => failures.push(String(error)))
    })
    await router.ask({
      kind: 'supervisor',
      message: { ...serveMessage(folder), listen: [kept, { host: '127.0.0.1', port: added }] },
    })
    await eventually(async () => expect((await get(added)).status).toBe(200))
    await eventually(async () => {
      const pids = await router.pids()
      expect(pids).toHaveLength(2)
      for (const pid of before) expect(pids).not.toContain(pid)
    })
    stop = true
    await Promise.all(load)
    expect(failures).toEqual([])

    await router.ask({
      kind: 'supervisor',
      message: { ...serveMessage(folder), listen: [{ host: '127.0.0.1', port: added }] },
    })
    await eventually(async () => await expect(get(port)).rejects.toThrow(/ECONNREFUSED/))
    expect((await get(added)).status).toBe(200)
  })

  it('rolls its data-plane processes under load without losing a request', async () => {
    const router = start({ lameDuckMs: 100 })
    const port = await serving(router)
    const before = await router.pids()
    const outcomes: string[] = []
    let stop = false
    const load = Array.from({ length: 4 }, async () => {
      while (!stop) outcomes.push(await get(port).then(({ status }) => String(status), String))
    })
    await router.ask({ kind: 'supervisor', message: { kind: 'roll' } })
    await eventually(async () => {
      const pids = await router.pids()
      expect(pids).toHaveLength(2)
      for (const pid of before) expect(pids).not.toContain(pid)
    })
    stop = true
    await Promise.all(load)
    expect(outcomes.length).toBeGreaterThan(50)
    expect(new Set(outcomes)).toEqual(new Set(['200']))
  })

  it('is refused on a state folder that another router runs on', async () => {
    const router = start()
    const port = await serving(router)
    const second = start()
    expect(await second.ended).toBe(1)
    expect(second.log()).toContain(`is in use by the router with pid ${router.supervisor.pid}`)
    expect((await get(port)).status).toBe(200)
  })

  it('replaces a data-plane process that does not acknowledge a plan', async () => {
    const router = start({ processes: 1 })
    await serving(router, 1)
    const [silent] = await router.pids()
    expect(await router.ask({ kind: 'publish', name: 'stuck' })).toMatchObject({ acknowledged: 0, replaced: 1 })
    await eventually(async () => {
      const exits = (await router.heard('dataplane')).filter(({ event }) => event === 'exited')
      expect(exits[0]).toMatchObject({ pid: silent, detail: 'SIGKILL' })
    })
  })

  it('leaves a process that cannot build a plan on the one before', async () => {
    const router = start()
    const port = await serving(router)
    expect(await router.ask({ kind: 'publish', name: 'unbuildable' })).toMatchObject({ acknowledged: 0, refused: 2 })
    expect((await get(port)).body).toMatch(/ first$/)
  })
})

describe('the end', () => {
  it('drains first: not ready, nothing in flight lost, exit code 0, no lock left', async () => {
    const router = start({ lameDuckMs: 400 })
    const port = await serving(router)
    const status = await router.statusPort()
    const slow = get(port, '/slow/500')
    await new Promise((resolve) => setTimeout(resolve, 100))
    router.supervisor.kill('SIGTERM')
    await eventually(async () => expect((await get(status, '/readyz')).status).toBe(503), 300)
    expect((await get(port)).status).toBe(200)
    expect((await slow).body).toMatch(/^begun/)
    expect(await router.ended).toBe(0)
    await expect(get(port)).rejects.toThrow(/ECONNREFUSED/)

    const next = start()
    await serving(next)
    expect(next.log()).not.toContain('died')
  })

  it('counts signals within a second as one, and ends at once at a later one', async () => {
    const router = start({ lameDuckMs: 60_000 })
    await serving(router)
    const pids = await router.pids()
    router.supervisor.kill('SIGINT')
    router.supervisor.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    for (const pid of pids) expect(commandLine(pid)).not.toBe('')
    router.supervisor.kill('SIGINT')
    expect(await router.ended).toBe(1)
    for (const pid of pids) expect(commandLine(pid)).toBe('')
  })

  it('of a Ctrl-C reaches the children too, which leave it to the supervisor', async () => {
    const router = start()
    const port = await serving(router)
    for (const pid of [...(await router.pids()), router.controlPid()]) process.kill(pid, 'SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await get(port)).status).toBe(200)
    router.supervisor.kill('SIGINT')
    expect(await router.ended).toBe(0)
  })
})

describe('the status port', () => {
  it('says ok, and degraded while control is away', async () => {
    const router = start()
    await serving(router)
    const status = await router.statusPort()
    expect(JSON.parse((await get(status, '/healthz')).body)).toEqual({ status: 'ok' })
    expect(JSON.parse((await get(status, '/readyz')).body)).toMatchObject({ status: 'ok', revision: 1 })
    expect((await get(status, '/metrics')).body).toBe('fixture_control_pid 1\n')

    const control = router.controlPid()
    process.kill(control, 'SIGSTOP')
    expect((await get(status, '/metrics')).body).toMatch(/^banyan_plan_revision\{process="\d+"\} 1$/m)
    process.kill(control, 'SIGKILL')
    await eventually(async () => {
      const { status: code, body } = await get(status, '/readyz')
      expect(code).toBe(200)
      expect(JSON.parse(body)).toMatchObject({
        status: 'degraded',
        notices: [expect.stringContaining('control is away')],
      })
    })
    await eventually(async () => expect(JSON.parse((await get(status, '/readyz')).body).status).toBe('ok'))
  })
})

function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  return new Promise((resolve) => {
    server.on('listening', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
