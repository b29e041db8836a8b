import { z } from 'zod'
import { flag, list, map, Refused, someText, textKind } from '../../../config/values.ts'
import type { SourceSchema } from '../schemas.ts'
import type { KubernetesOptions, ServiceOptions } from './options.ts'

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const name = (expectation: string) =>
  textKind(expectation, (text) => {
    if (!LABEL.test(text)) throw new Refused()
    return text
  })

const namespace = name('the name of a namespace')

const EXPECTED_PORT = 'the name or number of a port of the Service'

const port = z.union([z.number(), z.string()], { error: EXPECTED_PORT }).transform((written, context) => {
  const number = Number(written)
  if (Number.isInteger(number) && number >= 1 && number <= 65_535) return number
  if (typeof written === 'string' && LABEL.test(written)) return written
  context.addIssue({ code: 'custom', message: EXPECTED_PORT })
  return z.NEVER
})

const ingress = z.union([flag, name('true, false or the name of an IngressClass')], {
  error: 'true, false or the name of an IngressClass',
})

const topMap = map({
  kubeconfig: someText('the path of a kubeconfig')
    .optional()
    .describe("Credentials; default: the Pod's service account, outside of Pods $KUBECONFIG or ~/.kube/config"),
  context: someText('the name of a context').optional().describe('Context of the kubeconfig; default: its current one'),
  namespaces: list(namespace, 'namespaces')
    .optional()
    .describe('Where annotated Services and Ingress objects are looked for; default: everywhere'),
  upstreams: flag
    .optional()
    .describe('Whether Services with the annotation banyan.upstream are upstreams')
    .meta({ default: true }),
  ingress: ingress
    .optional()
    .describe('Whether Ingress objects are routes: all, none, or those of one class')
    .meta({ default: false }),
})

/** `kubernetes` of an upstream and at the top of the file. */
export const kubernetesSchema: SourceSchema = {
  kind: 'kubernetes',
  upstream: map({
    service: name('the name of a Service').describe('The Service whose ready Pods are its endpoints'),
    namespace: namespace.optional().describe('Its namespace; default: that of the credentials'),
    port: port.optional().describe('Name or number of a port of the Service; default: its only one'),
  })
    .transform(
      ({ service, ...written }): ServiceOptions => ({
        service,
        ...(written.namespace === undefined ? {} : { namespace: written.namespace }),
        ...(written.port === undefined ? {} : { port: written.port }),
      }),
    )
    .describe('A Service of Kubernetes, instead of url'),
  top: z
    .union([flag, topMap], { error: 'true or a map with kubeconfig, context, namespaces, upstreams, ingress' })
    .transform(
      (written): KubernetesOptions =>
        typeof written === 'boolean'
          ? { upstreams: written, ingress: false }
          : {
              ...(written.kubeconfig === undefined ? {} : { kubeconfig: written.kubeconfig }),
              ...(written.context === undefined ? {} : { context: written.context }),
              ...(written.namespaces === undefined ? {} : { namespaces: written.namespaces }),
              upstreams: written.upstreams ?? true,
              ingress: written.ingress ?? false,
            },
    )
    .describe('How the API server is reached, and what is looked for in the cluster'),
  discovers: (options) => {
    const { upstreams, ingress: routes } = options as KubernetesOptions
    return upstreams || routes !== false
  },
}
