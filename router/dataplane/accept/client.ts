/** What is known of a client's connection before its first request: the same for all that come on it. */
export type Client = {
  /** Its address: the peer's, or the one that a trusted peer's PROXY header names. */
  readonly address: string
  /** It came by TLS. */
  readonly secure: boolean
  /** The certificate that it proved to have and that its listener's authority signed; undefined: none. */
  readonly certificate: ClientCertificate | undefined
  /** Why none of its requests is served: its certificate, or the want of one. */
  readonly refused: string | undefined
  /** The TLS port that its requests are sent to; undefined: they are served here. */
  readonly tlsPort: number | undefined
  /** Field lines that every answer to it has. */
  readonly answerLines: string
}

export type ClientCertificate = {
  /** The first name in it, with its kind: `URI:spiffe://shop.test/vets`, `DNS:vets.shop.test`, `CN:vets`. Visible ASCII. */
  readonly name: string
  /** Field lines that tell an upstream who it is. */
  readonly lines: string
}

/** A client that came without TLS, of which nothing but its address is known. */
export function plainClient(address: string, tlsPort?: number): Client {
  return { address, secure: false, certificate: undefined, refused: undefined, tlsPort, answerLines: '' }
}
