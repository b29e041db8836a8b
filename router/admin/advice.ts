import type { Observation, SightedUpstream } from '../model/catalogue.ts'

/** What to do about an upstream that was not found, or of which nobody knows what it implements; empty: all is well. */
export function adviceFor(
  source: string,
  upstream: SightedUpstream,
  observations: readonly Observation[],
): readonly string[] {
  const { sighting, endpoints, declares } = upstream
  return [
    ...(sighting?.state === 'failed'
      ? [FAILED_SOURCE[source] ?? 'see what came back, and that it can be reached']
      : []),
    ...(sighting?.state === 'answered' && endpoints.length === 0 ? [NO_ENDPOINT[source] ?? 'see what came back'] : []),
    ...observations.flatMap(({ detector, state, attempts }) => {
      const unasked = state === 'pending' && (attempts.length === 0 || endpoints.length === 0)
      const advice = unasked ? undefined : DETECTION[state]
      return advice === undefined ? [] : [`${detector}: ${advice}`]
    }),
    ...(observations.length === 0 && declares === undefined ? [NOT_ASKED] : []),
  ]
}

const FAILED_SOURCE: Readonly<Record<string, string>> = {
  dns: 'see that the name server answers from this machine, set dns.servers, or write url: instead',
  docker: 'see that the engine runs and may be asked by this user, or set docker.engine',
  kubernetes:
    'see that the API server can be reached and that the token may list and watch, or set kubernetes.kubeconfig',
}

const NO_ENDPOINT: Readonly<Record<string, string>> = {
  dns: 'correct dns:, or give the name an address',
  docker: 'start a container with this label, or correct docker:',
  kubernetes: 'see that the Service selects Pods and that they are ready, or correct kubernetes:',
}

const NOT_ASKED =
  'nobody asks what it implements: set discover.openapi (auto, a path, a URL, file:PATH), or mappings, grpc or wsdl there'

const DETECTION: Readonly<Record<Observation['state'], string | undefined>> = {
  answered: undefined,
  none: 'it answers and has none there; give the path in discover, a URL or file:PATH, or leave it out',
  failed: 'what it answers is no description; give another path in discover, or leave it out',
  pending: 'it has not answered yet; see that it runs and listens where its endpoints are',
}
