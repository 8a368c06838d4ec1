import { findAppKey } from '../../auth/hmac.ts';
import type { App } from '../../channels/app.ts';
import { callableHost, hostPort } from '../client-address.ts';
import { collectVariables, type Environment, type Variables } from '../config/environment.ts';
import type { LoadedConfig, Settings } from '../config/index.ts';
import { Merge } from '../config/merge.ts';

/** Which server is meant, and which of its apps. */
export interface Target {
  /** `https://ws.example.com/prefix`, without a slash at the end. */
  readonly apiUrl: string;
  /** `wss://ws.example.com/prefix` likewise: hosted, it has another host. */
  readonly socketUrl: string;
  /** It is the broker that the configuration here is for. */
  readonly isConfigured: boolean;
  readonly app: KnownApp;
  /** Where the app was read, for people: `PUSHER_APP_KEY in .env`. */
  readonly source: string;
}

/** What is known of an app. */
export interface KnownApp {
  readonly id?: string | undefined;
  readonly key?: string | undefined;
  readonly secret?: string | undefined;
  /** 32 bytes. */
  readonly masterKey?: Uint8Array | undefined;
}

/** The flags that all commands have which call a server. */
export interface TargetFlags {
  readonly config?: string;
  readonly url?: string;
  readonly cluster?: string;
  readonly app?: string;
  readonly key?: string;
  readonly secret?: string;
}

/** What to ask which server is not clear. The text says what to add. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/**
 * Finds server and app: flags, then the configuration where a file of it is named, then the variables of an application (`PUSHER_…`, `REVERB_…`), then whatever else the
 * configuration says.
 *
 * @param load - the configuration; called where it is needed
 * @throws {TargetError}
 */
export function findTarget(flags: TargetFlags, env: Environment, cwd: string, load: () => LoadedConfig): Target {
  const found = saysAll(flags) ? undefined : lookAround(flags, env, cwd, load);
  const place = placeOfFlags(flags) ?? found?.place();
  if (place === undefined)
    throw new TargetError('which server is meant? Add --url, such as --url https://ws.example.com, or --cluster');
  const given = { ...place.app, ...withoutUndefined({ id: flags.app, key: flags.key, secret: flags.secret }) };
  const { apiUrl, socketUrl, isConfigured = false } = place;
  if (found === undefined) return { apiUrl, socketUrl, isConfigured, app: given, source: 'the flags' };
  return { apiUrl, socketUrl, isConfigured, app: { ...found.appFor(given), ...given }, source: found.source };
}

interface Place {
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly isConfigured?: boolean;
  /** What a URL says of an app: `https://KEY:SECRET@ws.example.com/apps/ID`. */
  readonly app?: KnownApp;
}

/** What files and variables say. */
interface Surroundings {
  place(): Place;
  readonly source: string;
  /** The app that is meant, or what of it fits to what was given; halves of two apps are none. */
  appFor(given: KnownApp): KnownApp;
}

function saysAll({ config, url, cluster, app, key, secret }: TargetFlags): boolean {
  const isPlace = url !== undefined || cluster !== undefined;
  return config === undefined && isPlace && app !== undefined && key !== undefined && secret !== undefined;
}

function placeOfFlags({ url, cluster }: TargetFlags): Place | undefined {
  if (url !== undefined && cluster !== undefined)
    throw new TargetError('--url and --cluster name two servers: leave one out');
  if (cluster !== undefined) return hosted(cluster);
  return url === undefined ? undefined : placeOf(url, '--url');
}

function lookAround(
  flags: TargetFlags,
  env: Environment,
  cwd: string,
  load: () => LoadedConfig,
): Surroundings | undefined {
  if (flags.config !== undefined) return ofConfig(load());
  const variables = collectVariables(new Merge(), env, cwd);
  const application = ofApplication(variables, load);
  if (application !== undefined) return application;
  // Somebody who names the server and no configuration has perhaps none.
  const isFlagged = flags.url !== undefined || flags.cluster !== undefined;
  const names = [...variables.keys()].some((name) => /^(KULKUL|SOKETI)_/.test(name));
  return isFlagged && !names ? undefined : ofConfig(load());
}

/** As Laravel reads them: `BROADCAST_CONNECTION` says which, otherwise the first that is there. */
function ofApplication(variables: Variables, load: () => LoadedConfig): Surroundings | undefined {
  const text = (name: string): string | undefined => variables.get(name)?.text.trim();
  const url = text('PUSHER_URL');
  const groups = (['PUSHER', 'REVERB'] as const).filter((name) => text(`${name}_APP_KEY`) !== undefined);
  const connection = (text('BROADCAST_CONNECTION') ?? text('BROADCAST_DRIVER'))?.toUpperCase();
  const group = groups.find((name) => name === connection) ?? groups[0];
  if (group === undefined) {
    if (url === undefined) return undefined;
    const place = placeOf(url, 'PUSHER_URL');
    return {
      place: () => place,
      source: whereOf(variables, 'PUSHER_URL'),
      appFor: (given) => fitting(place.app ?? {}, given),
    };
  }
  const app = {
    id: text(`${group}_APP_ID`),
    key: text(`${group}_APP_KEY`),
    secret: text(`${group}_APP_SECRET`),
    masterKey: masterKeyOf(text('PUSHER_ENCRYPTION_MASTER_KEY_BASE64')),
  };
  return {
    place: () => placeOfApplication(group, text) ?? placeOfSettings(load().settings),
    source: whereOf(variables, `${group}_APP_KEY`),
    appFor: (given) => fitting(app, given),
  };
}

function whereOf(variables: Variables, name: string): string {
  const origin = variables.get(name)?.origin;
  return origin?.kind === 'variable' && origin.dotenv ? `${name} in .env` : name;
}

function placeOfApplication(group: 'PUSHER' | 'REVERB', text: (name: string) => string | undefined): Place | undefined {
  const host = text(`${group}_HOST`);
  const cluster = text('PUSHER_APP_CLUSTER');
  if (host === undefined) return group === 'PUSHER' && cluster !== undefined ? hosted(cluster) : undefined;
  const scheme = text(`${group}_SCHEME`) ?? 'https';
  return placeOf(
    `${scheme}://${host}:${text(`${group}_PORT`) ?? '443'}`,
    `${group}_HOST, ${group}_PORT and ${group}_SCHEME`,
  );
}

function ofConfig(config: LoadedConfig): Surroundings {
  const { settings, apps, configFile = 'the configuration' } = config;
  return {
    place: () => placeOfSettings(settings),
    source: configFile,
    appFor: (given) => appOfConfig(config, apps, given),
  };
}

function appOfConfig({ settings, generatedApp }: LoadedConfig, apps: readonly App[], given: KnownApp): KnownApp {
  const isComplete = given.id !== undefined && given.key !== undefined && given.secret !== undefined;
  if (isComplete) return {};
  const { driver } = settings.appManager;
  if (driver !== 'array')
    throw new TargetError(`the apps are in a database (appManager.driver: ${driver}): add --app, --key and --secret`);
  if (generatedApp) return {};
  const fits = apps.filter(
    ({ id, keys }) =>
      (given.id === undefined || id === given.id) && (given.key === undefined || findAppKey(keys, given.key)),
  );
  const [app] = fits;
  // The server may know a key that the configuration here does not.
  if (app === undefined && given.key !== undefined) return {};
  if (app === undefined || fits.length > 1) {
    const ids = apps.map(({ id }) => id).slice(0, MAX_IDS_SHOWN);
    const question =
      app === undefined ? 'no app of the configuration has this id' : 'which app is meant? Add --app with an id';
    throw new TargetError(`${question}: ${ids.join(', ')}${apps.length > ids.length ? ', …' : ''}`);
  }
  const pair = given.key === undefined ? app.keys[0] : findAppKey(app.keys, given.key);
  return { id: app.id, key: pair?.key, secret: pair?.secret, masterKey: app.encryptionMasterKey };
}

const MAX_IDS_SHOWN = 20;

/** The rest of an app, unless what was given is of another one. */
function fitting(app: KnownApp, given: KnownApp): KnownApp {
  const isOther = (given.id !== undefined && given.id !== app.id) || (given.key !== undefined && given.key !== app.key);
  return isOther ? {} : app;
}

function placeOfSettings({ host, port, ssl, pathPrefix }: Settings): Place {
  const scheme = ssl.certPath === '' ? 'http' : 'https';
  const address = hostPort(callableHost(host), port === 0 ? DEFAULT_PORT : port);
  return { ...placeOf(`${scheme}://${address}${pathPrefix}`, 'the configuration'), isConfigured: true };
}

const DEFAULT_PORT = 6001;

/** @see Pusher, "Clusters" */
function hosted(cluster: string): Place {
  if (!/^[a-z0-9-]+$/i.test(cluster))
    throw new TargetError(`${JSON.stringify(cluster)} is no cluster: they are called eu or mt1`);
  return { apiUrl: `https://api-${cluster}.pusher.com`, socketUrl: `wss://ws-${cluster}.pusher.com` };
}

/** `ws:` and `wss:` are as good as `http:` and `https:`. */
function placeOf(text: string, name: string): Place {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const scheme = url && SCHEMES[url.protocol];
  if (url === undefined || scheme === undefined)
    throw new TargetError(`${name}: ${hideUser(text)} is no address such as https://ws.example.com`);
  const id = /^(.*)\/apps\/([^/]+)\/?$/.exec(url.pathname);
  const prefix = (id?.[1] ?? url.pathname).replace(/\/+$/, '');
  const app = {
    ...(id?.[2] !== undefined && { id: decodeURIComponent(id[2]) }),
    ...(url.username !== '' && { key: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { secret: decodeURIComponent(url.password) }),
  };
  return { apiUrl: `${scheme.api}://${url.host}${prefix}`, socketUrl: `${scheme.socket}://${url.host}${prefix}`, app };
}

const SCHEMES: Readonly<Record<string, { readonly api: string; readonly socket: string }>> = {
  'http:': { api: 'http', socket: 'ws' },
  'ws:': { api: 'http', socket: 'ws' },
  'https:': { api: 'https', socket: 'wss' },
  'wss:': { api: 'https', socket: 'wss' },
};

/** An address as it may be shown. */
function hideUser(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//•••@');
}

/** @param base64 - of 32 bytes */
export function masterKeyOf(base64: string | undefined): Uint8Array | undefined {
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  if (key.length === 32) return key;
  throw new TargetError('the encryption master key must be 32 bytes in Base64: openssl rand -base64 32');
}

function withoutUndefined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/**
 * What a signed request needs of an app.
 *
 * @throws {TargetError} naming what is missing
 */
export function credentialsOf({ app: { id, key, secret } }: Target): { id: string; key: string; secret: string } {
  if (id !== undefined && key !== undefined && secret !== undefined) return { id, key, secret };
  if (id === undefined && key === undefined && secret === undefined) {
    throw new TargetError(
      'no app is configured here: add --config, or --app, --key and --secret, or set PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET',
    );
  }
  const missing = [
    ...(id === undefined ? ['its id (PUSHER_APP_ID, or --app)'] : []),
    ...(key === undefined ? ['its key (PUSHER_APP_KEY, or --key)'] : []),
    ...(secret === undefined ? ['its secret (PUSHER_APP_SECRET, or --secret)'] : []),
  ];
  throw new TargetError(`not all of the app is known: add ${missing.join(' and ')}`);
}
