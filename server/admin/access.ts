import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../client-address.ts';
import { bearerIn, type SharedToken } from '../shared-token.ts';
import { AdminError } from './admin-error.ts';

/** What a request that changes something says where there is no token: pages can't send it without being allowed to, and none is. */
export const PROGRAM_HEADER = 'X-Kulkul-Admin';

/** Change nothing. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Checks that a request may do anything here: it brings the token; or none is set, and it comes from a program on this machine, not from a page
 * that a browser on this machine shows.
 *
 * @throws {AdminError} 401 or 403
 */
export function checkAccess(token: SharedToken, method: string, headers: IncomingHttpHeaders): void {
  if (token.isSet) {
    checkToken(headers.authorization, token);
    return;
  }
  checkHost(token, headers);
  checkSender(headers);
  if (!READING.has(method)) checkProgram(headers);
}

function checkToken(authorization: string | undefined, token: SharedToken): void {
  if (authorization === undefined) {
    throw new AdminError('unauthorized', 401, 'Send the token of admin.token as: Authorization: Bearer …');
  }
  if (bearerIn(authorization) === undefined) {
    throw new AdminError(
      'unauthorized',
      401,
      'The Authorization header must read: Bearer, a space, and the token of admin.token',
    );
  }
  if (!token.isIn(authorization)) {
    throw new AdminError('unauthorized', 401, 'Wrong token: it must be that of admin.token');
  }
}

/**
 * Checks that a request without a token is for this machine. A page can have its own name resolve to 127.0.0.1, and is of the same origin as this
 * API then.
 *
 * @throws {AdminError} 403
 */
export function checkHost(token: SharedToken, { host = '' }: IncomingHttpHeaders): void {
  if (token.isSet || isLoopback(hostnameOf(host))) return;
  const message = `Without admin.token this API answers to 127.0.0.1, [::1] and localhost only, not to the host "${shown(host)}": call it by its address, or set admin.token`;
  throw new AdminError('foreign-host', 403, message);
}

function checkSender(headers: IncomingHttpHeaders): void {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  const isOwn =
    (origin === undefined || origin === `http://${host}`) && (site === undefined || OWN_SITES.has(String(site)));
  if (isOwn) return;
  const message = `Pages of other origins (${shown(origin ?? String(site))}) may not use this API: a browser sent this request on behalf of one`;
  throw new AdminError('foreign-origin', 403, message);
}

function checkProgram(headers: IncomingHttpHeaders): void {
  if (headers[PROGRAM_HEADER.toLowerCase()]) return;
  const message = `Without admin.token changes need the header ${PROGRAM_HEADER}, which no web page can send here: curl -H '${PROGRAM_HEADER}: 1' …`;
  throw new AdminError('header-missing', 403, message);
}

/** `none`: the user typed the address. Another port of localhost is `same-site`, and not ours. */
const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}

function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
}
