import type { Balancer } from './index.ts'

/** Any endpoint, whatever its load. */
export const random: Balancer = {
  kind: 'random',
  scattered: true,
  create: () => ({ pick: (among, _request, draw) => among[Math.floor(draw() * among.length)] }),
}
