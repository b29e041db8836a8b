import type { Policy } from '../policy.ts'

export type MaxBodyOptions = { readonly bytes: number }

/** Refuses longer bodies: by their Content-Length before anything is sent (H10), else as soon as they turn out longer. */
export const maxBody: Policy<MaxBodyOptions> = {
  kind: 'maxBody',
  phase: 'admit',
  words: ({ bytes }) => `bodies over ${bytes} bytes are refused with 413`,
  create: ({ bytes }) => ({
    bodyLimit: bytes,
    before({ head: { length } }) {
      if (length <= bytes) return undefined
      return { code: 'body_too_large', detail: `the body has ${length} bytes; at most ${bytes} are taken here` }
    },
  }),
}
