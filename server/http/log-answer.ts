import { quote } from '../../protocol/json.ts';
import type { Logger } from '../log.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import { type Answer, NOTICE } from './answer.ts';

/** Said whole to the client; the log need not repeat all of it. */
const MAX_REASON_LENGTH = 500;
/** A refusal may repeat the parameters that a client should have signed, and a token may be among them by mistake. */
const TOKENS = /eyJ[\w-]*\.[\w-]+\.[\w-]*/g;

/**
 * A line for each request and what became of it.
 *
 * @returns to be called with the answer, or with undefined when the client left before. The query, which holds signatures and may hold tokens, is left
 *   out, and so are bodies.
 */
export function logAnswer(
  log: Logger,
  res: HttpResponse,
  req: HttpRequest,
): (answer: Pick<Answer, 'status' | 'headers' | 'body'> | undefined) => void {
  const facts = {
    method: req.getCaseSensitiveMethod(),
    path: req.getUrl(),
    ip: Buffer.from(res.getRemoteAddressAsText()).toString(),
    forwardedFor: req.getHeader('x-forwarded-for') || undefined,
    userAgent: req.getHeader('user-agent') || undefined,
  };
  return (answer) => {
    if (!answer) {
      log.debug(facts, 'request given up by its client');
      return;
    }
    const { status, headers, body } = answer;
    const why =
      status < 400
        ? { notice: headers?.[NOTICE] }
        : { cause: headers?.['X-Kulkul-Error'], reason: quote(body.replace(TOKENS, '•••'), MAX_REASON_LENGTH) };
    log.debug({ ...facts, status, ...why }, 'request answered');
  };
}
