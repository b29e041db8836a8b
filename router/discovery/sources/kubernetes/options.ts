/** `kubernetes:` at the top of the file. */
export type KubernetesOptions = {
  /** Absolute path; undefined: the Pod's own service account, outside of Pods `$KUBECONFIG` or `~/.kube/config`. */
  readonly kubeconfig?: string
  readonly context?: string
  /** Where annotated Services and Ingress objects are looked for; undefined: everywhere. */
  readonly namespaces?: readonly string[]
  /** Services with the annotation `banyan.upstream` are upstreams. */
  readonly upstreams: boolean
  /** Ingress objects are routes: all of them, or those of this class. */
  readonly ingress: boolean | string
}

/** `kubernetes:` of an upstream. */
export type ServiceOptions = {
  readonly service: string
  /** Undefined: that of the credentials. */
  readonly namespace?: string
  /** Name or number of a port of the Service; undefined: its only one. */
  readonly port?: number | string
}
