import type { HttpRequest } from '../uws.ts';

/**
 * What makes it uncertain where a request ends, or undefined where nothing does. uWebSockets.js goes by the first `Content-Length` and takes
 * whatever stands in `Transfer-Encoding` for `chunked`. Where a proxy goes by something else, it sees one request and the server two.
 *
 * @see RFC 9112, 6.3: such a message is an error, after which the connection has to be closed
 */
export function framingProblem(req: HttpRequest): string | undefined {
  let problem: string | undefined;
  let framed = false;
  req.forEach((name, value) => {
    const isLength = name === 'content-length';
    if (!isLength && name !== 'transfer-encoding') return;
    if (framed) problem ??= 'it has Content-Length or Transfer-Encoding more than once';
    else if (value === '') problem ??= `its ${name} is empty`;
    else if (!isLength && value.toLowerCase() !== 'chunked') {
      problem ??= 'its Transfer-Encoding is not chunked, and no other is understood';
    }
    framed = true;
  });
  return problem;
}
