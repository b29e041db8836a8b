import { map, wholeNumber } from './values.ts'

/** `retry` of an upstream or a route. */
export const retrySchema = map({
  attempts: wholeNumber(1, 10, 'a number from 1 to 10').describe('How often a request is tried, the first included'),
})
  .optional()
  .describe('Sends a request again where that does no harm; default: only past addresses that take no connection')
