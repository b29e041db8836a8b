import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { diffPlans } from '../compile/diff.ts'
import { explain } from '../compile/explain.ts'
import { BanyanError } from '../kernel/errors.ts'
import { parseTemplate } from '../kernel/template.ts'
import { findShift } from '../shift/find.ts'
import { findMovement } from '../shift/movement.ts'
import type { Outcome } from '../shift/outcome.ts'
import type { Control } from './control.ts'
import { type AdminEnv, type GuardOptions, guard, refuse } from './guard.ts'
import { viewEntry, viewListOfOperations, viewShift, viewSources, viewUpstreams } from './views.ts'

/**
 * The admin API: JSON first, one resource a path. The command line and the console use nothing else.
 * Errors are problem+json; a refused action is 409 with the reason in `detail`.
 */
export function createAdminApp(control: Control, options: GuardOptions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>()
  app.use('*', guard(options))
  read(app, control)
  configure(app, control)
  shift(app, control)
  app.notFound((c) => refuse(c, 404, 'not_found', `there is no ${c.req.method} ${c.req.path} in this admin API`))
  app.onError((error, c) =>
    error instanceof z.ZodError || error instanceof SyntaxError
      ? refuse(c, 400, 'bad_request', error instanceof z.ZodError ? z.prettifyError(error) : error.message)
      : refuse(c, 503, error instanceof BanyanError ? error.code : 'failed', error.message),
  )
  return app
}

function read(app: Hono<AdminEnv>, control: Control): void {
  app.get('/api/status', (c) => c.json(control.status()))
  app.get('/api/operations', (c) => c.json({ operations: viewListOfOperations(control) }))
  app.get('/api/upstreams', (c) =>
    c.json({
      upstreams: viewUpstreams(control),
      sources: viewSources(control),
      observing: control.observing() ?? null,
    }),
  )
  app.get('/api/left', (c) => {
    const window = z.coerce.number().int().positive().optional().parse(c.req.query('window'))
    return c.json(control.left(window))
  })
  app.get('/api/drift', (c) => c.json(control.drift()))
  app.get('/api/plan', (c) => c.json(control.published() ?? null))
  app.get('/api/functions/log', (c) => c.json({ lines: control.functionLog(c.req.query('name') ?? '') }))
  app.get('/metrics', async (c) =>
    c.text(await control.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4' }),
  )
  app.post('/api/explain', async (c) => {
    const request = Explain.parse(await c.req.json())
    const published = control.published()
    if (published === undefined) return refuse(c, 503, 'no_plan', 'no plan has been published yet')
    return c.json(await explain(published.plan, published.live, request))
  })
}

const Explain = z.object({
  method: z.string().min(1),
  url: z.string().min(1),
  headers: z.array(z.tuple([z.string(), z.string()])).default([]),
})

function configure(app: Hono<AdminEnv>, control: Control): void {
  app.post('/api/check', async (c) => {
    const { file, text } = Document.parse(await c.req.json())
    const { diagnostics } = await control.preview(text, file)
    const { configuration } = control.status()
    return c.json({ diagnostics, operations: control.catalogue().operations.length, file: configuration.file })
  })
  app.post('/api/plan', async (c) => {
    const { file, text } = Document.parse(await c.req.json())
    const { diagnostics, plan } = await control.preview(text, file)
    const running = control.published()
    const { configuration } = control.status()
    return c.json({
      diagnostics,
      running: running && { revision: running.revision, hash: running.hash, file: configuration.file },
      changes: plan && diffPlans(running?.plan, plan),
    })
  })
  app.post('/api/learn', async (c) => {
    const learned = control.learn(Learning.parse(await c.req.json()))
    return learned.kind === 'refused' ? refuse(c, 409, 'refused', learned.message) : c.json(learned)
  })
  app.post('/api/reload', async (c) => {
    const { processes } = z.object({ processes: z.boolean().default(false) }).parse(await c.req.json())
    const result = await control.reload()
    if (processes) control.rollProcesses()
    return c.json({ ...result, processes }, result.accepted ? 200 : 409)
  })
}

const Count = z.number().int().min(0)
const Learning = z.object({
  upstream: z.string().min(1).optional(),
  detector: z.enum(['har', 'log']),
  source: z.string().min(1).max(1_000),
  operations: z
    .array(
      z.object({
        method: z.string().regex(/^[A-Z]{3,20}$/),
        template: z
          .string()
          .max(2_000)
          .refine((text) => !('error' in parseTemplate(text)), 'is no path template'),
        seen: z.object({
          count: Count,
          first: Count,
          last: Count,
          statuses: z.record(z.string().regex(/^\d{3}$/), Count),
        }),
      }),
    )
    .max(20_000),
})

const Document = z.object({ file: z.string().min(1), text: z.string() })

function shift(app: Hono<AdminEnv>, control: Control): void {
  const { shifts } = control
  app.get('/api/shifts', (c) => c.json({ shifts: shifts.records().map((record) => viewShift(record, control)) }))
  app.get('/api/ledger', (c) => c.json({ entries: shifts.ledger(c.req.query('shift')).map(viewEntry) }))

  // Only what makes a candidate get requests: taking back is never refused.
  for (const action of ['start', 'promote', 'retry']) {
    app.use(`/api/shifts/${action}`, async (c, next) => {
      const why = control.observing()
      return why === undefined ? next() : refuse(c, 409, 'observing', `this router ${why}`)
    })
  }

  app.post('/api/shifts/start', async (c) => {
    const { name, to } = z.object({ name: z.string().min(1), to: z.string().optional() }).parse(await c.req.json())
    const spec = control.spec()
    const sought = findMovement(name, to, {
      routes: spec.routes,
      catalogue: control.catalogue(),
      defaultUpstream: spec.defaultUpstream,
      upstreams: control.sources().flatMap((source) => source.upstreams.map((upstream) => upstream.name)),
    })
    if (sought.kind === 'refused') return refuse(c, 409, 'refused', sought.message)
    const why = control.unready(sought.movement.candidate)
    if (why !== undefined) return refuse(c, 409, 'candidate_not_ready', why)
    return answer(c, await shifts.start(sought.movement, c.get('caller').name))
  })
  app.post('/api/shifts/promote', async (c) => {
    const { name, weight } = Promote.parse(await c.req.json())
    const record = findShift(name, shifts.records())
    const why = record === undefined ? undefined : control.unready(record.candidate)
    if (why !== undefined) return refuse(c, 409, 'candidate_not_ready', why)
    return answer(c, await shifts.promote(record?.id ?? name, weight, c.get('caller').name))
  })
  app.post('/api/shifts/abort', async (c) => {
    const { name } = Named.parse(await c.req.json())
    return answer(c, await shifts.abort(findShift(name, shifts.records())?.id ?? name, c.get('caller').name))
  })
  app.post('/api/shifts/retry', async (c) => {
    const { name } = Named.parse(await c.req.json())
    const record = findShift(name, shifts.records())
    const why = record === undefined ? undefined : control.unready(record.candidate)
    if (why !== undefined) return refuse(c, 409, 'candidate_not_ready', why)
    return answer(c, await shifts.retry(record?.id ?? name, c.get('caller').name))
  })
  app.post('/api/shifts/undo', async (c) => answer(c, await shifts.undo(c.get('caller').name)))
}

const Named = z.object({ name: z.string().min(1) })
const Promote = Named.extend({ weight: z.number().gt(0).lte(1).optional() })

function answer(c: Context<AdminEnv>, outcome: Outcome) {
  return outcome.kind === 'refused' ? refuse(c, 409, 'refused', outcome.message) : c.json(outcome)
}
