import { bodyLimit } from 'hono/body-limit'
import { problem, problemResponse } from './problem.ts'

/** A call that names a thousand PoPs has about 70 kB. */
const MAX_CALL_BYTES = 128 * 1024

/** Refuses the body of a call that is no upload, before it is read whole into memory. */
export const smallBody = bodyLimit({
  maxSize: MAX_CALL_BYTES,
  onError: () =>
    problemResponse(
      problem(
        413,
        'message/invalid',
        'The body is too large',
        `this call's body may have at most ${MAX_CALL_BYTES} bytes`,
      ),
    ),
})
