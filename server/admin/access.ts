import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../client-address.ts';
import type { AdminTokenOptions } from '../config/admin-tokens.ts';
import { bearerIn, SharedToken } from '../shared-token.ts';
import { AdminError } from './admin-error.ts';
import { ADMINISTRATOR, maySee, type Operator, THIS_MACHINE } from './operator.ts';
import type { AdminRoute } from './route.ts';

/** What a request that changes something says where there is no token, or a cookie in its place: pages can't send it without being allowed to, and none is. */
export const PROGRAM_HEADER = 'X-Kulkul-Admin';

/** Change nothing. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The tokens that the settings name. */
export interface AdminTokens {
  /** '' for none. */
  readonly token: string;
  readonly tokens: readonly AdminTokenOptions[];
}

/** Finds who signed in, by the cookie of a request. */
export interface SignedIn {
  operatorIn(headers: IncomingHttpHeaders): Operator | undefined;
}

/** Decides who makes a request, and what they may. */
export class Access {
  readonly #holders: readonly { readonly token: SharedToken; readonly operator: Operator }[];
  readonly #signedIn: SignedIn;

  constructor({ token, tokens }: AdminTokens, signedIn: SignedIn) {
    this.#signedIn = signedIn;
    this.#holders = [
      ...(token === '' ? [] : [{ token: new SharedToken(token), operator: ADMINISTRATOR }]),
      ...tokens.map(({ token: own, name, access, apps }) => ({
        token: new SharedToken(own),
        operator: { name, access, apps },
      })),
    ];
  }

  get needsToken(): boolean {
    return this.#holders.length > 0;
  }

  /** Who has a token; undefined: nobody. */
  holderOf(token: string): Operator | undefined {
    return this.#holders.find((holder) => holder.token.is(token))?.operator;
  }

  /**
   * Who makes a request: it brings a token, or the cookie of a session and comes from our own page; or no token is set, and it comes from this machine, and
   * not from a page that a browser on this machine shows.
   *
   * @throws {AdminError} 401 or 403
   */
  operatorOf(method: string, headers: IncomingHttpHeaders): Operator {
    const isChange = !READING.has(method);
    if (!this.needsToken) {
      this.checkHost(headers);
      checkSender(headers);
      if (isChange) checkProgram(headers, WITHOUT_TOKEN);
      return THIS_MACHINE;
    }
    if (isChange) this.checkPage(headers);
    const { authorization } = headers;
    if (authorization === undefined) {
      const operator = this.#signedIn.operatorIn(headers);
      if (!operator) {
        throw new AdminError('unauthorized', 401, 'Send the token of admin.token as: Authorization: Bearer …');
      }
      this.checkPage(headers);
      if (isChange) checkProgram(headers, WITH_COOKIE);
      return operator;
    }
    return this.#holder(authorization);
  }

  /**
   * Checks that a request without a token is for this machine. A page can have its own name resolve to 127.0.0.1, and is of the same origin as this
   * API then.
   *
   * @throws {AdminError} 403
   */
  checkHost({ host = '' }: IncomingHttpHeaders): void {
    if (this.needsToken || isLoopback(hostnameOf(host))) return;
    const message = `Without admin.token this API answers to 127.0.0.1, [::1] and localhost only, not to the host "${shown(host)}": call it by its address, or set admin.token`;
    throw new AdminError('foreign-host', 403, message);
  }

  /**
   * Checks that a request does not come from a page of elsewhere. What the browser says of a page's site, no page can forge; it counts where a proxy hides the
   * name by which this API is called.
   *
   * @throws {AdminError} 403
   */
  checkPage(headers: IncomingHttpHeaders): void {
    if (!this.needsToken) {
      checkSender(headers);
      return;
    }
    const { host = '', origin, 'sec-fetch-site': site } = headers;
    if (site === 'same-origin') return;
    if (site !== undefined && site !== 'none') throw foreignOrigin(headers);
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      throw foreignOrigin(headers);
  }

  #holder(authorization: string): Operator {
    const token = bearerIn(authorization);
    if (token === undefined) {
      const message = 'The Authorization header must read: Bearer, a space, and the token of admin.token';
      throw new AdminError('unauthorized', 401, message);
    }
    const operator = this.holderOf(token);
    if (operator) return operator;
    const which = this.#holders.length > 1 ? 'that of admin.token, or one of admin.tokens' : 'that of admin.token';
    throw new AdminError('unauthorized', 401, `Wrong token: it must be ${which}`);
  }
}

/**
 * Checks that somebody may do what a route does.
 *
 * @param appId - of the app that the request is about; undefined: of none
 * @throws {AdminError} 403 or 404
 */
export function checkRights(operator: Operator, route: AdminRoute, appId: string | undefined): void {
  const { method, access = method === 'GET' ? 'read' : 'all', showsOwnApps = false } = route;
  if (access === 'all' && operator.access === 'read') {
    throw new AdminError('read-only', 403, `The token ${operator.name} may look, but change nothing (access read)`);
  }
  if (operator.apps === undefined) return;
  if (appId === undefined) {
    if (showsOwnApps) return;
    const message = `The token ${operator.name} is for some apps only, and this is about all of them`;
    throw new AdminError('other-apps', 403, message);
  }
  if (!maySee(operator, appId)) throw hiddenApp(appId);
}

/** The same for an app that there is not: who may not see it must not learn that it exists. */
export function hiddenApp(appId: string): AdminError {
  const message = `There is no app with the id ${JSON.stringify(appId.slice(0, 60))}. GET /apps lists them`;
  return new AdminError('unknown-app', 404, message);
}

const WITHOUT_TOKEN = 'Without admin.token';
const WITH_COOKIE = 'With a cookie';

function checkSender(headers: IncomingHttpHeaders): void {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  const isOwn =
    (origin === undefined || origin === `http://${host}`) && (site === undefined || OWN_SITES.has(String(site)));
  if (!isOwn) throw foreignOrigin(headers);
}

function foreignOrigin({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): AdminError {
  const message = `Pages of other origins (${shown(origin ?? String(site))}) may not use this API: a browser sent this request on behalf of one`;
  return new AdminError('foreign-origin', 403, message);
}

function checkProgram(headers: IncomingHttpHeaders, why: string): void {
  if (headers[PROGRAM_HEADER.toLowerCase()]) return;
  const message = `${why} changes need the header ${PROGRAM_HEADER}, which no web page can send here: curl -H '${PROGRAM_HEADER}: 1' …`;
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
