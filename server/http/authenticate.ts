import { findAppKey } from '../../auth/hmac.ts';
import type { RequestParams } from '../../auth/request-params.ts';
import { verifyRequest } from '../../auth/request-signature.ts';
import type { App } from '../../channels/app.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Publisher } from '../../channels/observer.ts';
import type { Span } from '../../channels/tracer.ts';
import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { PathParams } from './route-table.ts';

/** A request of the HTTP API with everything that was read of it. */
export interface ApiRequest<Params = PathParams> extends Publisher {
  readonly method: string;
  /** As sent, with the path prefix if there is one. */
  readonly path: string;
  /** Without the path prefix. */
  readonly apiPath: string;
  readonly params: Params;
  readonly queryText: string;
  readonly query: RequestParams;
  readonly body: Buffer;
  /** The step of a trace that it is; undefined where none is recorded. */
  readonly span?: Span | undefined;
}

type SignedRequest = Omit<ApiRequest, 'params' | keyof Publisher>;

/** Whoever mistypes an id does not make it this long. */
const MAX_EXPLAINED_ID_LENGTH = 200;

/**
 * The app that a path names.
 *
 * @throws {ApiError} 404
 */
export function appById(apps: AppDirectory, appId: string): MaybePromise<App> {
  return after(apps.byId(appId), (app) => {
    if (app) return app;
    throw unknownAppId(appId, '. Is it the id (not the key) of the app?');
  });
}

/**
 * The app that a request of the API is for. Where there is none, the answer names another one only to whom has that one's secret.
 *
 * @param appId - undefined where the path has none and the request's key decides
 * @param request - its body may be still on its way
 * @throws {ApiError} 404 or 401
 */
export function findCalledApp(
  apps: AppDirectory,
  appId: string | undefined,
  request: SignedRequest,
  nowSeconds: number,
): MaybePromise<App> {
  if (appId !== undefined) {
    return after(apps.byId(appId), (app) => app ?? refuseAppId(apps, appId, request, nowSeconds));
  }
  const key = request.query.single.get('auth_key');
  if (key === undefined) throw missingKey();
  return after(apps.byKey(key), (app) => {
    if (app) return app;
    throw unknownKey(key);
  });
}

function refuseAppId(
  apps: AppDirectory,
  appId: string,
  request: SignedRequest,
  nowSeconds: number,
): MaybePromise<never> {
  const key = request.query.single.get('auth_key');
  const named = key === undefined || appId.length > MAX_EXPLAINED_ID_LENGTH ? undefined : apps.byKey(key);
  return after(named, (app) => {
    const advice =
      app && isSignedFor(app, request, nowSeconds)
        ? `: the auth_key of this request belongs to app ${app.id}`
        : '. Is it the id (not the key) of the app?';
    throw unknownAppId(appId, advice);
  });
}

function isSignedFor(app: App, request: SignedRequest, nowSeconds: number): boolean {
  try {
    // The signature covers the hash of the body, so it proves the secret without the body.
    authenticate(app, { ...request, body: NO_BODY }, nowSeconds);
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

const NO_BODY = Buffer.alloc(0);

function unknownAppId(appId: string, advice: string): ApiError {
  return new ApiError('unknown-app-id', 404, `Unknown app id ${quote(appId, 60)}${advice}`);
}

/**
 * Checks that a request was signed with a key of the app.
 *
 * @throws {ApiError} 401, or 403 when the app is disabled
 */
export function authenticate(app: App, request: SignedRequest, nowSeconds: number): void {
  const key = request.query.single.get('auth_key');
  if (key === undefined) throw missingKey();
  const pair = findAppKey(app.keys, key);
  if (!pair) throw unknownKey(key, app.id);
  const { method, queryText, query, body } = request;
  const paths = signablePaths(request);
  verifyRequest(pair, { method, paths, query: queryText, params: query, body }, nowSeconds);
  if (!app.enabled) throw appDisabled(app);
}

export function appDisabled({ id }: App): ApiError {
  return new ApiError('app-disabled', 403, `Application disabled: app ${id} has enabled: false`);
}

/** Nobody escapes these. */
const NEVER_ESCAPED = /^[\w\-.~/]*$/;

/** The prefix is no part of what SDKs sign, yet may be for clients that know of none. */
function signablePaths({ path, apiPath }: SignedRequest): readonly string[] {
  const paths = path === apiPath ? [path] : [apiPath, path];
  return NEVER_ESCAPED.test(path) ? paths : [...new Set([...paths, ...paths.flatMap(spellingsOf)])];
}

/**
 * Ways to write a path. Some clients sign it before they escape it; and proxies may take escapes away, or put others in their place, after it was
 * signed (nginx with a path in `proxy_pass`, Apache).
 */
function spellingsOf(path: string): readonly string[] {
  try {
    const segments = path.split('/').map(decodeURIComponent);
    const escaped = segments.map(encodeURIComponent).join('/');
    // RFC 3986 reserves these, too; PHP, Python and Ruby escape them. .NET writes escapes in lower case.
    const strict = escaped.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    return [segments.join('/'), escaped, strict, strict.replace(/%[0-9A-F]{2}/g, (escaping) => escaping.toLowerCase())];
  } catch {
    return [];
  }
}

function missingKey(): ApiError {
  return new ApiError('missing-auth-key', 401, 'Missing parameter: auth_key. Sign requests with a Pusher SDK');
}

function unknownKey(key: string, appId?: string): ApiError {
  const where = appId === undefined ? 'no app has the key' : `app ${appId} has no key`;
  const message = `Unknown auth_key: ${where} ${quote(key, 60)}. Is it the key (not the id) of the app?`;
  return new ApiError('unknown-auth-key', 401, message);
}
