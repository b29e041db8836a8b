import type { LocalAnswer, Policy } from '../policy.ts'

export type RespondOptions = {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Answers every request of its route itself. */
export const respond: Policy<RespondOptions> = {
  kind: 'respond',
  phase: 'answer',
  words: ({ status, body }) => `answers ${status} itself, with ${Buffer.byteLength(body)} bytes`,
  answers: ({ status }) => status,
  create({ status, body, headers }) {
    const typed = body === '' || Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
    const answer: LocalAnswer = {
      status,
      fields: [...(typed ? [] : [['Content-Type', 'text/plain; charset=utf-8'] as const]), ...Object.entries(headers)],
      body: Buffer.from(body).toString('latin1'),
    }
    return { before: () => answer }
  },
}
