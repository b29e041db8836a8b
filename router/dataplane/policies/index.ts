import { maxBody } from './max-body/index.ts'
import type { Policy } from './policy.ts'
import { redirect } from './redirect/index.ts'
import { requestHeaders } from './request-headers/index.ts'
import { respond } from './respond/index.ts'
import { responseHeaders } from './response-headers/index.ts'
import { rewrite } from './rewrite/index.ts'

/** The whole list. Add yours here, alphabetically, and its schema in schemas.ts; nowhere else. */
export const POLICIES: readonly Policy[] = [maxBody, redirect, requestHeaders, respond, responseHeaders, rewrite]
