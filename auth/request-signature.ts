import { hash } from 'node:crypto';
import { ApiError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import { type AppKey, equalSignatures, hmacHex } from './hmac.ts';
import { canonicalParams, parseParams, type RequestParams } from './request-params.ts';

/** A request is valid for less than this time before and after it was signed, in seconds. */
const TIMESTAMP_WINDOW_SECONDS = 600;

/** A request of the HTTP API, as it arrived. */
export interface SignedRequest {
  /** Upper case. */
  readonly method: string;
  /** Paths under which the client may have signed, most likely first: as sent, without the proxy's prefix, decoded. */
  readonly paths: readonly string[];
  /** Raw query string, without `?`. */
  readonly query: string;
  /** `query`, parsed. */
  readonly params: RequestParams;
  /** Raw body; empty for none. */
  readonly body: Uint8Array;
}

/**
 * Checks everything that proves a request: version, age, body hash, signature.
 *
 * @param pair - the app's key that the request names in `auth_key`
 * @param nowSeconds - Unix time
 * @throws {ApiError} 401 that says which check failed
 * @see Pusher, "HTTP API", authentication; order and texts of the checks as in the pusher-signature gem
 */
export function verifyRequest(pair: AppKey, request: SignedRequest, nowSeconds: number): void {
  const { single } = request.params;
  checkVersion(single.get('auth_version'));
  checkTimestamp(single.get('auth_timestamp'), nowSeconds);
  const signature = single.get('auth_signature');
  if (signature === undefined || signature === '') {
    throw unauthorized('missing-signature', 'Missing parameter: auth_signature. Sign requests with a Pusher SDK');
  }
  checkBodyHash(single.get('body_md5'), request.body);
  if (!matchesAnyForm(pair.secret, request, signature)) throw invalidSignature(pair, request, signature);
}

function checkVersion(version: string | undefined): void {
  if (version === undefined) throw unauthorized('auth-version', 'Version required: auth_version must be 1.0');
  if (version !== '1.0') {
    throw unauthorized('auth-version', `Version not supported: auth_version is ${quote(version, 20)}, must be 1.0`);
  }
}

function checkTimestamp(timestamp: string | undefined, nowSeconds: number): void {
  if (timestamp === undefined) throw unauthorized('auth-timestamp', 'Timestamp required: auth_timestamp is missing');
  if (!/^\d{1,11}$/.test(timestamp)) {
    throw unauthorized('auth-timestamp', `Timestamp must be Unix time in seconds, got ${quote(timestamp, 20)}`);
  }
  const given = Number(timestamp);
  const off = given - nowSeconds;
  if (Math.abs(off) < TIMESTAMP_WINDOW_SECONDS) return;
  throw unauthorized(
    'auth-timestamp',
    `Timestamp expired: Given timestamp (${isoSeconds(given)}) not within ${TIMESTAMP_WINDOW_SECONDS}s of server time ` +
      `(${isoSeconds(nowSeconds)}): the sender's clock is ${Math.abs(off)} s ${off < 0 ? 'behind' : 'ahead'} ` +
      `(or the request is a repeated one). Set both clocks by NTP`,
  );
}

function isoSeconds(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The hash of an empty body is optional (the Python SDK sends it). If sent, it is a parameter like any other. */
function checkBodyHash(given: string | undefined, body: Uint8Array): void {
  if (body.byteLength === 0) return;
  if (given === undefined) {
    throw unauthorized('body-md5', 'Invalid body_md5: it is missing; a request with a body must carry its MD5');
  }
  const actual = hash('md5', body, 'hex');
  if (actual !== given) {
    throw unauthorized(
      'body-md5',
      `Invalid body_md5: ${quote(given, 40)} was sent, but the ${body.byteLength} bytes that arrived give ${actual}. ` +
        'Something between sender and server changed the body',
    );
  }
}

/** The plain form first: nearly every request matches it. */
function matchesAnyForm(secret: string, request: SignedRequest, signature: string): boolean {
  const { params, query } = request;
  const matches = (canonical: string): boolean => matchesAnyPath(secret, request, canonical, signature);
  return (
    matches(canonicalParams(params, 'brackets')) ||
    (params.lists.size > 0 && matches(canonicalParams(params, 'commas'))) ||
    (query.includes('+') && matches(canonicalParams(parseParams(query, true), 'brackets')))
  );
}

function matchesAnyPath(
  secret: string,
  { method, paths }: SignedRequest,
  canonical: string,
  signature: string,
): boolean {
  for (const path of paths) {
    if (equalSignatures(hmacHex(secret, `${method}\n${path}\n${canonical}`), signature)) return true;
  }
  return false;
}

function invalidSignature(pair: AppKey, request: SignedRequest, signature: string): ApiError {
  const text = `${request.method}\\n${request.paths[0]}\\n${canonicalParams(request.params, 'brackets')}`;
  return unauthorized(
    'invalid-signature',
    `Invalid signature: you should have sent HmacSHA256Hex("${quote(text, 500)}", your_secret_key), but you sent ` +
      `"${quote(signature, 64)}". Is the secret the one of key ${pair.key}? Does a proxy add or remove a path prefix, ` +
      'so that the signature was made over another path?',
  );
}

function unauthorized(id: string, message: string): ApiError {
  return new ApiError(id, 401, message);
}
