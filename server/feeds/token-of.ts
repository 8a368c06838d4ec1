import type { RequestParams } from '../../auth/request-params.ts';

/** The token of a request, from its header or its URL: EventSource and browsers' WebSockets can't send headers. */
export function tokenOf(authorization: string, { single }: RequestParams): string | undefined {
  const [, bearer] = /^Bearer +(\S.*)$/i.exec(authorization) ?? [];
  // A page that has no token leaves the place empty.
  return bearer ?? (single.get('token') || undefined);
}
