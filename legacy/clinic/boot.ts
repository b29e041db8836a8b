import { type PageAnswer, PageError } from './exchange.ts'
import type { ClinicRoute } from './table.ts'

/**
 * What Spring Boot adds to an application by itself: its error page, the actuator endpoints below `/manage`, and the
 * published mappings. `routes` is read at each call, so a handler added later is published too.
 */
export function bootRoutes(routes: () => readonly ClinicRoute[]): readonly ClinicRoute[] {
  const added: readonly ClinicRoute[] = [
    actuator('links', '/manage', () => ({
      _links: { self: { href: '/manage' }, health: { href: '/manage/health' }, mappings: { href: '/manage/mappings' } },
    })),
    actuator('health', '/manage/health', () => ({ status: 'UP' })),
    actuator('mappings', '/manage/mappings', () => mappingsDocument(routes(), added)),
    { handler: `${ERROR}#errorHtml`, methods: [], patterns: ['/error'], produces: ['text/html'], answer: noError },
    { handler: `${ERROR}#error`, methods: [], patterns: ['/error'], answer: noError },
  ]
  return added
}

/** The document at `/manage/mappings`, in the shape of Spring Boot 2 and 3. */
export function mappingsDocument(routes: readonly ClinicRoute[], added: readonly ClinicRoute[]) {
  const dispatcherServlet = [
    ...added.filter(isActuator).map((route) => mapping(route, route.handler, ACTUATOR_METHOD)),
    ...routes.map((route) => controllerMapping(route, `${PACKAGE}.${route.handler}`)),
    ...added.filter((route) => !isActuator(route)).map((route) => controllerMapping(route, route.handler)),
    resources('/webjars/**', 'classpath [META-INF/resources/webjars/]'),
    resources('/**', 'classpath [META-INF/resources/], classpath [static/], ServletContext [/]'),
  ]
  const mappings = { dispatcherServlets: { dispatcherServlet }, servletFilters: FILTERS, servlets: SERVLETS }
  return { contexts: { application: { mappings, parentId: null } } }
}

const PACKAGE = 'org.springframework.samples.petclinic'
const ERROR = 'org.springframework.boot.autoconfigure.web.servlet.error.BasicErrorController'
const ACTUATOR_TYPES = ['application/vnd.spring-boot.actuator.v3+json', 'application/json']
const ACTUATOR_METHOD = {
  className:
    'org.springframework.boot.actuate.endpoint.web.servlet.AbstractWebMvcEndpointHandlerMapping.OperationHandler',
  name: 'handle',
  descriptor: '(Ljakarta/servlet/http/HttpServletRequest;Ljava/util/Map;)Ljava/lang/Object;',
}
const FILTERS = [
  {
    servletNameMappings: [],
    urlPatternMappings: ['/*'],
    name: 'characterEncodingFilter',
    className: 'org.springframework.boot.web.servlet.filter.OrderedCharacterEncodingFilter',
  },
]
const SERVLETS = [
  { mappings: [], name: 'default', className: 'org.apache.catalina.servlets.DefaultServlet' },
  { mappings: ['/'], name: 'dispatcherServlet', className: 'org.springframework.web.servlet.DispatcherServlet' },
]

type HandlerMethod = { readonly className: string; readonly name: string; readonly descriptor: string }

function actuator(id: string, path: string, document: () => unknown): ClinicRoute {
  const answer = (): PageAnswer => ({
    status: 200,
    headers: [['Content-Type', 'application/vnd.spring-boot.actuator.v3+json']],
    body: JSON.stringify(document()),
  })
  return { handler: actuatorHandler(id), methods: ['GET'], patterns: [path], produces: ACTUATOR_TYPES, answer }
}

function actuatorHandler(id: string): string {
  return id === 'links' ? 'Actuator root web endpoint' : `Actuator web endpoint '${id}'`
}

function isActuator(route: ClinicRoute): boolean {
  return route.handler.startsWith('Actuator ')
}

function noError(): PageAnswer {
  throw new PageError(500, 'There is no error to show: this page is for the application itself.')
}

function controllerMapping(route: ClinicRoute, handler: string) {
  const [className = handler, name = ''] = handler.split('#')
  return mapping(route, `${handler}()`, { className, name, descriptor: '()Ljava/lang/String;' })
}

function mapping({ methods, patterns, produces = [] }: ClinicRoute, handler: string, handlerMethod: HandlerMethod) {
  const types = produces.map((mediaType) => ({ mediaType, negated: false }))
  const requestMappingConditions = { consumes: [], headers: [], methods, params: [], patterns, produces: types }
  return {
    handler,
    predicate: predicate(methods, patterns, produces),
    details: { handlerMethod, requestMappingConditions },
  }
}

// `{GET [/owners/{ownerId}]}`, `{ [/error], produces [text/html]}`: Boot's own text form.
function predicate(methods: readonly string[], patterns: readonly string[], produces: readonly string[]): string {
  const suffix = produces.length === 0 ? '' : `, produces [${produces.join(' || ')}]`
  return `{${methods.join(' || ')} [${patterns.join(' || ')}]${suffix}}`
}

function resources(pattern: string, locations: string) {
  return { handler: `ResourceHttpRequestHandler [${locations}]`, predicate: pattern, details: null }
}
