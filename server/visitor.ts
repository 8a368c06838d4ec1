import type { VisitorFacts } from '../channels/observer.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

/** What the request of a client says that comes to stay. Texts are '' where it says nothing. */
export interface Visitor extends VisitorFacts {
  readonly query: string;
  /** It came over TLS, to this server or to the proxy before it. */
  readonly isTls: boolean;
  readonly authorization: string;
}

/** Who makes a request that is answered at once, and from where. */
export function readVisitorFacts(res: HttpResponse, req: HttpRequest): VisitorFacts {
  return {
    path: req.getUrl(),
    ip: Buffer.from(res.getRemoteAddressAsText()).toString(),
    forwardedFor: req.getHeader('x-forwarded-for'),
    origin: req.getHeader('origin'),
    userAgent: req.getHeader('user-agent'),
  };
}

/** @param isTls - the connection is over TLS */
export function readVisitor(res: HttpResponse, req: HttpRequest, isTls: boolean): Visitor {
  return {
    path: req.getUrl(),
    query: req.getQuery() ?? '',
    origin: req.getHeader('origin'),
    isTls: isTls || /^(https|wss)\b/i.test(req.getHeader('x-forwarded-proto')),
    authorization: req.getHeader('authorization'),
    ip: Buffer.from(res.getRemoteAddressAsText()).toString(),
    forwardedFor: req.getHeader('x-forwarded-for'),
    userAgent: req.getHeader('user-agent'),
  };
}
