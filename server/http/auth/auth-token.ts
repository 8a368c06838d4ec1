import type { TokenPolicy } from '../../../auth/token-claims.ts';
import { ApiError } from '../../../protocol/errors.ts';
import { quote } from '../../../protocol/json.ts';
import type { Cors } from '../cors.ts';

/** What the headers of a request say of who asks. A header that was not sent is ''. */
export interface CallerHeaders {
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
export function readToken(
  policy: TokenPolicy,
  caller: CallerHeaders,
  field: string | undefined,
  isScript: boolean,
  cors: Pick<Cors, 'admitsCredentialsOf'>,
): string {
  const sent = bearerToken(caller.authorization) ?? (field || undefined);
  if (sent !== undefined) return sent;
  const token = policy.cookie === undefined ? undefined : cookieValue(caller.cookie, policy.cookie);
  if (token === undefined) throw tokenRequired(missingText(policy, caller));
  if (isScript) {
    throw tokenRequired(
      'JSONP requests cannot use the cookie, because any page could send them: add the field token to the params',
    );
  }
  if (!mayUseCookies(caller, cors)) {
    const who = caller.origin === '' ? 'another site' : quote(caller.origin, 60);
    const message = `A page of ${who} may not use the cookie ${policy.cookie} here: name its origin in cors.origin (with cors.credentials), or send the token as Authorization: Bearer`;
    throw new ApiError('cross-origin-cookie', 403, message);
  }
  return token;
}

function missingText({ cookie }: TokenPolicy, caller: CallerHeaders): string {
  const ways = 'in the header Authorization: Bearer TOKEN, or as the field token';
  const other = caller.authorization === '' ? '' : ' (Authorization is there, but not as Bearer TOKEN)';
  return `A token is required${other}: send it ${ways}${cookie === undefined ? '' : `, or in one cookie ${cookie}`}`;
}

function tokenRequired(message: string): ApiError {
  return new ApiError('token-required', 401, message, undefined, { 'WWW-Authenticate': 'Bearer' });
}

/** Whether whoever made the browser send its cookies may have it do so. */
function mayUseCookies({ origin, host, fetchSite }: CallerHeaders, cors: Pick<Cors, 'admitsCredentialsOf'>): boolean {
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

/**
 * The value of a cookie, decoded; undefined when there is none of this name, or several that differ: which of them is meant
 * can't be told then, and a neighbouring site may have set one.
 *
 * @param header - `Cookie`, as sent
 * @see RFC 6265, 4.2.1
 */
function cookieValue(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    if (found !== undefined && found !== value) return undefined;
    found = value;
  }
  return found === undefined || found === '' ? undefined : decode(unquote(found));
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
