import { TokenError } from '../../../auth/grant.ts';
import { parseParams, type RequestParams } from '../../../auth/request-params.ts';
import type { App } from '../../../channels/app.ts';
import { after, type MaybePromise } from '../../../channels/maybe-promise.ts';
import type { Node } from '../../../channels/node.ts';
import { isAllowedOrigin } from '../../../channels/origin.ts';
import { ApiError } from '../../../protocol/errors.ts';
import { isSocketId } from '../../../protocol/handshake.ts';
import { isJsonObject, parseJson, quote } from '../../../protocol/json.ts';
import type { AppDirectory } from '../../apps/app-directory.ts';
import { type Answer, json } from '../answer.ts';
import { appById, appDisabled } from '../authenticate.ts';
import type { Cors } from '../cors.ts';
import type { PathParams } from '../route-table.ts';
import { type CallerHeaders, readToken } from './auth-token.ts';
import { authenticateUser, authorizeChannel, checkedAuthChannel } from './authorize.ts';

export interface AuthParts {
  readonly node: Node;
  readonly apps: AppDirectory;
  readonly cors: Cors;
}

/** What is authenticated or authorized: the user, or a channel for one connection. */
export type AuthSubject = 'channel' | 'user';

/** A request to an auth endpoint with everything that was read of it. */
export interface AuthRequest {
  readonly method: string;
  readonly params: PathParams;
  readonly query: RequestParams;
  readonly contentType: string;
  readonly body: Buffer;
  readonly caller: CallerHeaders;
}

/** No cache may keep what one connection is let in by, and no browser may guess what it is. */
export const UNCACHED = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
] as const;

/**
 * Answers a client that wants to enter a channel or to sign in, and has a token: what pusher-js and Laravel Echo ask of an application.
 *
 * @throws {ApiError | TokenError} or rejects with it
 */
export function answerAuth(parts: AuthParts, what: AuthSubject, request: AuthRequest): MaybePromise<Answer> {
  const { node, cors } = parts;
  const { method, params, query, contentType, body, caller } = request;
  const fields = readAuthFields(query, contentType, body);
  const isScript = method !== 'POST' && fields.callback !== undefined;
  const callback = isScript ? checkedCallback(fields.callback ?? '') : undefined;
  return after(findAuthApp(parts.apps, what, params.app, fields), (app) => {
    checkApp(app, caller.origin);
    const socketId = checkedSocketId(fields.socketId);
    const channel = what === 'channel' ? checkedAuthChannel(app, fields.channelName) : undefined;
    // Where an app takes no tokens, the verifier says so.
    const token = app.tokens ? readToken(app.tokens, caller, fields.token, isScript, cors) : '';
    const decide = (): MaybePromise<object> =>
      after(node.tokens.verify(app, token), (grant) =>
        channel === undefined
          ? authenticateUser(app, grant, socketId)
          : authorizeChannel(node, app, grant, socketId, channel),
      );
    if (callback === undefined) return after(decide(), json);
    return after(orToken(decide, fields.token), (answer) => script(callback, answer));
  });
}

/**
 * A script that fails says nothing to pusher-js, and its channel would wait for ever. So a page that sent its token gets it back: as the auth
 * of its subscription or sign-in it is refused by the broker, with the reason.
 *
 * @param token - the field, never what a browser sent by itself
 */
function orToken(decide: () => MaybePromise<object>, token: string | undefined): MaybePromise<object> {
  const refuse = (error: unknown): object => {
    if (!token || !(error instanceof TokenError || error instanceof ApiError)) throw error;
    // On presence channels pusher-js goes no further without.
    return { auth: token, channel_data: '{}' };
  };
  try {
    const decided = decide();
    return decided instanceof Promise ? decided.catch(refuse) : decided;
  } catch (error) {
    return refuse(error);
  }
}

/** @param appId - of the path; undefined where it has none */
function findAuthApp(
  apps: AppDirectory,
  what: AuthSubject,
  appId: string | undefined,
  { appKey }: AuthFields,
): MaybePromise<App> {
  if (appId !== undefined) return appById(apps, appId);
  if (appKey !== undefined) {
    return after(apps.byKey(appKey), (app) => {
      if (app) return app;
      const message = `Unknown app_key: no app has the key ${quote(appKey, 60)}. Is it the key (not the id) of the app?`;
      throw new ApiError('unknown-app-key', 404, message);
    });
  }
  return after(apps.only(), (app) => {
    if (app) return app;
    const message = `It is not clear which app is meant, because there is not exactly one: use /apps/APP_ID/auth/${what}, or send its key as the field app_key`;
    throw new ApiError('app-not-named', 400, message);
  });
}

function checkApp(app: App, origin: string): void {
  if (!app.enabled) throw appDisabled(app);
  if (isAllowedOrigin(app.allowedOrigins, origin)) return;
  const message = `Origin ${quote(origin, 60)} is not one of the app's allowedOrigins`;
  throw new ApiError('origin-refused', 403, message);
}

function checkedSocketId(socketId: string | undefined): string {
  if (isSocketId(socketId)) return socketId;
  const message = 'socket_id must look like "123.456": pusher-js and Laravel Echo send it by themselves';
  throw new ApiError('invalid-socket-id', 400, message);
}

const MAX_CALLBACK_LENGTH = 100;
/** A function by its path: `Pusher.auth_callbacks['1']`, `jQuery36`, `callbacks[2].done`. */
const CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[\d+\]|\['[\w$]+'\])*$/;

/** @throws {ApiError} 400: what would run in the page is more than the name of a function */
function checkedCallback(callback: string): string {
  if (callback.length <= MAX_CALLBACK_LENGTH && CALLBACK.test(callback)) return callback;
  const message = `callback is "${quote(callback, 60)}": it must be the path of a function such as Pusher.auth_callbacks['1'], of at most ${MAX_CALLBACK_LENGTH} characters`;
  throw new ApiError('invalid-callback', 400, message);
}

/**
 * A script that calls a function of the page with a value.
 *
 * @param callback - checked
 */
function script(callback: string, value: unknown): Answer {
  // JSON allows what ends a line of a script, and what a page could take for markup.
  const text = JSON.stringify(value).replace(/[<\u2028\u2029]/g, escapeUnit);
  return { status: 200, contentType: 'application/javascript; charset=utf-8', body: `${callback}(${text});` };
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What clients tell an auth endpoint. A field that is missing is undefined. */
interface AuthFields {
  readonly socketId: string | undefined;
  readonly channelName: string | undefined;
  readonly appKey: string | undefined;
  /** For clients that can set no header. */
  readonly token: string | undefined;
  /** The function that a script shall call with the answer (JSONP). */
  readonly callback: string | undefined;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * Reads the fields of a request: those of its body, and of its query those that the body does not have.
 *
 * @param contentType - as sent; '' when it was not, and the body is JSON then if it begins like it
 * @throws {ApiError} 400
 */
function readAuthFields(query: RequestParams, contentType: string, body: Buffer): AuthFields {
  const inBody = readBodyFields(contentType, body.toString());
  const field = (name: string): string | undefined => inBody(name) ?? query.single.get(name);
  return {
    socketId: field('socket_id'),
    channelName: field('channel_name'),
    appKey: field('app_key'),
    token: field('token'),
    callback: query.single.get('callback'),
  };
}

function readBodyFields(contentType: string, text: string): (name: string) => string | undefined {
  if (JSON_TYPE.test(contentType)) return readJsonFields(text);
  if (FORM_TYPE.test(contentType)) return readFormFields(text);
  if (/^multipart\//i.test(contentType)) {
    const message =
      'The body must be JSON or a form of type application/x-www-form-urlencoded, not multipart/form-data';
    throw new ApiError('invalid-body', 400, message);
  }
  return text.trimStart().startsWith('{') ? readJsonFields(text) : readFormFields(text);
}

function readFormFields(text: string): (name: string) => string | undefined {
  const { single } = parseParams(text, true);
  return (name) => single.get(name);
}

function readJsonFields(text: string): (name: string) => string | undefined {
  if (text.trim() === '') return () => undefined;
  const value = parseJson(text);
  if (value === undefined) {
    const message = 'The body is not valid JSON: send one JSON object, or a form with its Content-Type';
    throw new ApiError('invalid-json-body', 400, message);
  }
  if (!isJsonObject(value)) throw new ApiError('invalid-body', 400, 'The body must be a JSON object');
  return (name) => {
    const field = value[name];
    if (field === undefined || field === null || typeof field === 'string') return field ?? undefined;
    throw new ApiError('invalid-body', 400, `${name} must be a string`);
  };
}
