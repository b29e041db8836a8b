import { z } from 'zod'
import { flag, map, Refused, someText, textKind, wholeNumber } from '../../../config/values.ts'
import type { SourceSchema } from '../schemas.ts'
import type { ContainersOptions, DockerSettings, EngineAddress } from './options.ts'

const label = textKind('a label such as app=vets', (text) => {
  if (!/^[^\s=]+(?:=.*)?$/.test(text)) throw new Refused()
  return text
})

const engine = textKind('unix:///PATH or tcp://HOST:PORT', (text): EngineAddress => {
  const socket = /^unix:\/\/(\/.+)$/.exec(text)?.[1]
  if (socket !== undefined) return { socket }
  const [, host = '', port = ''] = /^tcp:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) throw new Refused()
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}).meta({ examples: ['unix:///var/run/docker.sock', 'tcp://10.0.0.5:2375'] })

const settings = map({
  engine: engine.optional().describe('Where the engine listens; default: as for the docker command'),
  network: someText('the name of a network')
    .optional()
    .describe('Network in which containers are reached; default: what the router can reach, found out'),
  upstreams: flag
    .optional()
    .describe('Whether containers with the label banyan.upstream are upstreams')
    .meta({ default: true }),
})

const EXPECTED = 'true, false, or a map with engine, network, upstreams'

/** `docker` of an upstream, and at the top. */
export const dockerSchema: SourceSchema = {
  kind: 'docker',
  upstream: map({
    label: label.describe('Containers with this label are its addresses').meta({ examples: ['app=vets'] }),
    port: wholeNumber(1, 65_535, 'a port from 1 to 65535')
      .optional()
      .describe('Port inside the containers; default: the label banyan.port, else the only one they expose'),
  })
    .transform(({ label: selected, port }): ContainersOptions => ({ label: selected, port }))
    .describe('Containers that are its addresses, as they come and go'),
  top: z
    .union([z.boolean({ error: EXPECTED }), settings], { error: EXPECTED })
    .transform((written): DockerSettings => {
      if (typeof written === 'boolean') return { upstreams: written }
      const { engine: address, network, upstreams = true } = written
      return {
        upstreams,
        ...(address === undefined ? {} : { engine: address }),
        ...(network === undefined ? {} : { network }),
      }
    })
    .describe('true: containers with the label banyan.upstream are upstreams'),
  discovers: (options) => (options as DockerSettings).upstreams,
}
