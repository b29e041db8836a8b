/**
 * Runs inside workerd, in front of one function: `request → function → answer`. It makes three things of a
 * function visible that HTTP has no words for: that it threw, what it implements, and that it did not load.
 *
 * Control and the data plane trust `x-banyan-function-error` because only this module can set it, and what
 * this module prints because each line carries `BANYAN_TOKEN`, which the function never sees.
 */
declare const BANYAN_TOKEN: string

const ERROR_HEADER = 'x-banyan-function-error'
const TOKEN_HEADER = 'x-banyan-function-token'
// A header field longer than a few kilobytes makes proxies refuse the answer that should explain the failure.
const MESSAGE_LIMIT = 1_000
const STACK_LIMIT = 6_000

type Handler = { fetch(request: Request, env: unknown, context: object): unknown }
type Failure = { readonly name: string; readonly message: string; readonly stack: string }

/** What Hono's own error handler answered for, by the request's execution context. */
const swallowed = new WeakMap<object, unknown>()

const loaded = await load()

export default {
  async fetch(request: Request, env: unknown, context: object): Promise<Response> {
    if (request.headers.get(TOKEN_HEADER) === BANYAN_TOKEN) return Response.json(declaration())
    if ('failure' in loaded) return failed(loaded.failure)
    try {
      const answer = await loaded.handler.fetch(request, env, context)
      if (swallowed.has(context)) throw swallowed.get(context)
      if (!(answer instanceof Response)) throw new TypeError(`fetch gave ${String(answer)}, expected a Response`)
      return withoutPrivateHeader(answer)
    } catch (error) {
      const failure = failureOf(error)
      // The query may hold secrets; method and path are enough to find the handler.
      const { pathname } = new URL(request.url)
      const report = { ...failure, method: request.method, path: pathname.slice(0, MESSAGE_LIMIT) }
      console.error(`banyan:${BANYAN_TOKEN} ${JSON.stringify(report)}`)
      return failed(failure)
    }
  },
}

async function load(): Promise<{ handler: Handler; routes: unknown } | { failure: Failure }> {
  try {
    const module: { default?: unknown; routes?: unknown } = await import('function.js')
    if (!isHandler(module.default)) {
      throw new TypeError('no usable default export: expected a Hono app or an object with a fetch method')
    }
    reportErrorsOf(module.default)
    return { handler: module.default, routes: module.routes }
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function'
}

type HonoApp = {
  readonly routes: readonly { readonly method: string; readonly path: string; readonly handler: unknown }[]
  readonly errorHandler: HonoErrorHandler
  onError(handler: HonoErrorHandler): unknown
}
type HonoErrorHandler = (error: Error, context: { readonly executionCtx: object }) => unknown

function isHonoApp(value: object): value is HonoApp {
  return (
    'routes' in value &&
    Array.isArray(value.routes) &&
    'onError' in value &&
    typeof value.onError === 'function' &&
    'errorHandler' in value &&
    typeof value.errorHandler === 'function'
  )
}

// Hono answers 500 for a handler that threw and tells nobody but the console. An app without an error handler of
// its own still answers (middleware sees what it always sees), but the error is kept for the request's end.
function reportErrorsOf(handler: Handler): void {
  if (!isHonoApp(handler) || !hasDefaultErrorHandler(handler)) return
  const original = handler.errorHandler
  handler.onError((error, context) => {
    // An HTTPException is an answer the function chose.
    if ('getResponse' in error) return original(error, context)
    swallowed.set(context.executionCtx, error)
    return new Response('Internal Server Error', { status: 500 })
  })
}

function hasDefaultErrorHandler(app: HonoApp): boolean {
  try {
    const fresh: { errorHandler?: unknown } = Reflect.construct(app.constructor, [])
    return fresh.errorHandler === app.errorHandler
  } catch {
    return false
  }
}

function declaration(): unknown {
  if ('failure' in loaded) return { kind: 'failed', failure: loaded.failure }
  const { handler, routes } = loaded
  if (routes !== undefined) return { kind: 'exported', routes }
  if (!isHonoApp(handler)) return { kind: 'none' }
  const entries = handler.routes.map(({ method, path, handler: run }) => ({
    method,
    path,
    middleware: takesNext(run),
  }))
  return { kind: 'hono', entries }
}

// An app mounted with `app.route` has its handlers wrapped; Hono keeps the written one under this name.
function takesNext(handler: unknown): boolean {
  if (typeof handler !== 'function') return false
  const inner: unknown = Reflect.get(handler, '__COMPOSED_HANDLER')
  return inner === undefined ? handler.length > 1 : takesNext(inner)
}

function failureOf(error: unknown): Failure {
  const thrown = error instanceof Error ? error : new Error(String(error))
  return {
    name: String(thrown.name).slice(0, 100),
    message: String(thrown.message).slice(0, MESSAGE_LIMIT),
    stack: error instanceof Error ? String(thrown.stack).slice(0, STACK_LIMIT) : '',
  }
}

function failed(failure: Failure): Response {
  const { name, message } = failure
  // A header value is bytes: everything outside printable ASCII travels as a JSON escape.
  const line = JSON.stringify({ name, message }).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return Response.json(failure, { status: 500, headers: { [ERROR_HEADER]: line } })
}

function withoutPrivateHeader(answer: Response): Response {
  if (!answer.headers.has(ERROR_HEADER)) return answer
  const copy = new Response(answer.body, answer)
  copy.headers.delete(ERROR_HEADER)
  return copy
}
