import type { TokenPolicy } from '../../../auth/token-claims.ts';
import { ApiError } from '../../../protocol/errors.ts';
import { quote } from '../../../protocol/json.ts';
import type { Cors } from '../cors.ts';
import { cookieValue } from './cookie.ts';

/** What the headers of a request say of who asks. A header that was not sent is ''. */
export interface Asker {
  readonly authorization: string;
  readonly cookie: string;
  readonly origin: string;
  readonly host: string;
  /** `Sec-Fetch-Site`: browsers set it, and no page can. */
  readonly fetchSite: string;
}

const BEARER = /^Bearer +(\S.*)$/i;

/** The token in a header `Authorization`; undefined for other schemes. */
export function bearerToken(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}

/**
 * The token of a request to an auth endpoint: of the header `Authorization`, else of the field `token`, else of the app's cookie.
 *
 * @param isScript - the answer is a script, which any page can load with the browser's cookies
 * @throws {ApiError} 401: there is none; 403: a page of another origin may not use the cookie
 */
export function tokenOf(
  policy: TokenPolicy,
  asker: Asker,
  field: string | undefined,
  isScript: boolean,
  cors: Pick<Cors, 'admitsCredentialsOf'>,
): string {
  const sent = bearerToken(asker.authorization) ?? (field || undefined);
  if (sent !== undefined) return sent;
  const token = policy.cookie === undefined ? undefined : cookieValue(asker.cookie, policy.cookie);
  if (token === undefined) throw tokenRequired(missingText(policy, asker));
  if (isScript) {
    throw tokenRequired(
      'Scripts (JSONP) are not answered by cookie, as any page could load them: add the field token to the params',
    );
  }
  if (!mayUseCookies(asker, cors)) {
    const who = asker.origin === '' ? 'another site' : quote(asker.origin, 60);
    const message = `A page of ${who} may not use the cookie ${policy.cookie} here: name its origin in cors.origin (with cors.credentials), or send the token as Authorization: Bearer`;
    throw new ApiError('cross-origin-cookie', 403, message);
  }
  return token;
}

function missingText({ cookie }: TokenPolicy, asker: Asker): string {
  const ways = 'in the header Authorization: Bearer TOKEN, or as the field token';
  const other = asker.authorization === '' ? '' : ' (Authorization is there, but not as Bearer TOKEN)';
  return `A token is required${other}: send it ${ways}${cookie === undefined ? '' : `, or in one cookie ${cookie}`}`;
}

function tokenRequired(message: string): ApiError {
  return new ApiError('token-required', 401, message, undefined, { 'WWW-Authenticate': 'Bearer' });
}

/** Whether whoever made the browser send its cookies may have it do so. */
function mayUseCookies({ origin, host, fetchSite }: Asker, cors: Pick<Cors, 'admitsCredentialsOf'>): boolean {
  if (origin !== '' && cors.admitsCredentialsOf(origin)) return true;
  if (fetchSite !== '') return fetchSite === 'same-origin' || fetchSite === 'none';
  return origin === '' || isOriginOf(origin, host);
}

/** Schemes can't be compared: behind a proxy that ends TLS, this server does not know its own. */
function isOriginOf(origin: string, host: string): boolean {
  const page = parseUrl(origin);
  if (page === undefined || page.host === '') return false;
  return page.host === parseUrl(`${page.protocol}//${host}`)?.host;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
