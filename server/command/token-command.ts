import jwt from 'jsonwebtoken';
import type { Claims } from '../../auth/channel-pattern.ts';
import { SECRET_ALGORITHMS, type TokenAlgorithm, type TokenKey, type TokenPolicy } from '../../auth/token-claims.ts';
import type { App } from '../../channels/app.ts';
import { isJsonObject, type JsonObject, quote } from '../../protocol/json.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import { AppStoreUnavailable } from '../apps/app-store.ts';
import { createAppDirectory } from '../apps/create-app-directory.ts';
import { AppStoreStartError } from '../apps/sql-errors.ts';
import type { LoadedConfig } from '../config/index.ts';
import { silentLog } from '../log.ts';
import { EXIT_FAILURE, EXIT_USAGE, fail, print } from './exit.ts';
import { DevelopmentTokenError, type TokenFlags } from './token-flags.ts';

const MAX_IDS_SHOWN = 20;
const DEFAULT_TTL_SECONDS = 3600;

/** Prints a token that an app accepts. */
export async function tokenCommand({ settings, apps }: LoadedConfig, flags: TokenFlags): Promise<void> {
  let directory: AppDirectory | undefined;
  try {
    // Standard output is for the token.
    directory = await createAppDirectory({ settings, apps, log: silentLog() });
    print(`${await createToken(directory, flags, Date.now() / 1000)}\n`);
  } catch (error) {
    if (error instanceof DevelopmentTokenError) fail(error.message, EXIT_USAGE);
    if (error instanceof AppStoreUnavailable) fail(error.detail, EXIT_FAILURE);
    if (error instanceof AppStoreStartError) fail(error.message, EXIT_FAILURE);
    throw error;
  } finally {
    await directory?.close();
  }
}

/**
 * The token that is asked for.
 *
 * @throws {DevelopmentTokenError} with a message for the user of the command
 */
async function createToken(apps: AppDirectory, flags: TokenFlags, nowSeconds: number): Promise<string> {
  const { sub: userId, role: roles = [], ttl: ttlSeconds = DEFAULT_TTL_SECONDS, info: userInfo, claim = [] } = flags;
  const app = await appNamedByFlag(apps, flags.app);
  return signDevelopmentToken(app, { userId, roles, ttlSeconds, userInfo, claims: new Map(claim) }, nowSeconds);
}

async function appNamedByFlag(apps: AppDirectory, name: string | undefined): Promise<App> {
  if (name === undefined) {
    const app = await apps.only();
    if (app !== undefined) return app;
    throw new DevelopmentTokenError(`which app is meant? Add --app with an id or a key${knownApps(apps)}`);
  }
  const app = (await apps.byKey(name)) ?? (await apps.byId(name));
  if (app !== undefined) return app;
  throw new DevelopmentTokenError(`there is no app with the key or id ${quote(name, 64)}${knownApps(apps)}`);
}

function knownApps({ knownIds }: AppDirectory): string {
  if (knownIds.length === 0) return '';
  const more = knownIds.length > MAX_IDS_SHOWN ? ', …' : '';
  return `; the ids of apps are: ${knownIds.slice(0, MAX_IDS_SHOWN).join(', ')}${more}`;
}

/** The content of a token for development. */
export interface DevelopmentToken {
  readonly userId?: string | undefined;
  readonly roles: readonly string[];
  readonly ttlSeconds: number;
  /** Goes into the claim that the app reads user info from. */
  readonly userInfo?: JsonObject | undefined;
  /** Further claims by name or dotted path; they override all others. */
  readonly claims: ReadonlyMap<string, unknown>;
}

/**
 * Signs a token that the app accepts, with the first of its secrets, and puts each value into the claim that the app reads.
 *
 * @param nowSeconds - seconds since 1970
 * @throws {DevelopmentTokenError} the app accepts no tokens, or has no secret; a claim can't be set
 */
export function signDevelopmentToken(app: App, token: DevelopmentToken, nowSeconds: number): string {
  const policy = app.tokens;
  if (policy === undefined) {
    throw new DevelopmentTokenError(
      `app ${app.id} takes no tokens: add "auth": { "jwt": { "keys": [{ "secret": "…" }] } } to its options`,
    );
  }
  const { key, kid, algorithm } = signingKey(policy, app.id);
  const header = kid === undefined ? { alg: algorithm } : { alg: algorithm, kid };
  // As text, so that any content is possible, including an expiry in the past.
  return jwt.sign(JSON.stringify(claimsOf(policy, token, nowSeconds)), key, { algorithm, header });
}

function signingKey(
  { keys }: TokenPolicy,
  appId: string,
): Pick<TokenKey, 'key' | 'kid'> & { algorithm: TokenAlgorithm } {
  for (const { key, kid, algorithms } of keys) {
    const algorithm = SECRET_ALGORITHMS.find((name) => algorithms.includes(name));
    if (key.type === 'secret' && algorithm !== undefined) return { key, kid, algorithm };
  }
  throw new DevelopmentTokenError(
    `app ${appId} has no secret to sign with: its tokens come from an issuer with a private key. ` +
      'For development add { "secret": "…" } to its auth.jwt.keys (and HS256 to auth.jwt.algorithms, where that is set)',
  );
}

function claimsOf(policy: TokenPolicy, token: DevelopmentToken, nowSeconds: number): Claims {
  const { userId, roles, userInfo, ttlSeconds } = token;
  const [issuer] = policy.issuers;
  const [audience] = policy.audiences;
  const [rolesPath] = policy.claims.roles;
  const claims: Record<string, unknown> = {};
  const issuedAt = Math.floor(nowSeconds);
  for (const [path, value] of [
    ['iss', issuer],
    ['aud', audience],
    ['iat', issuedAt],
    ['exp', issuedAt + ttlSeconds],
    [policy.claims.userId, userId],
    [rolesPath, roles.length === 0 ? undefined : roles],
    [policy.claims.userInfo, userInfo],
    ...token.claims,
  ] as const) {
    if (path !== undefined && value !== undefined) put(claims, path, value);
  }
  return claims;
}

/** A dotted path leads into objects, but the name of a claim that is a URL has dots of its own. */
function put(claims: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.includes('/') ? [path] : path.split('.');
  const last = names.pop() ?? '';
  let section = claims;
  for (const name of names) {
    if (!Object.hasOwn(section, name)) define(section, name, {});
    const next = section[name];
    if (!isJsonObject(next))
      throw new DevelopmentTokenError(`the claim ${path} can't be set: ${name} is not an object`);
    section = next as Record<string, unknown>;
  }
  define(section, last, value);
}

/** A plain assignment would not work for `__proto__`. */
function define(section: object, name: string, value: unknown): void {
  Object.defineProperty(section, name, { value, enumerable: true, configurable: true, writable: true });
}
