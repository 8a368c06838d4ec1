import type { App } from '../../channels/app.ts';
import { appsPath } from '../config/catalogue.ts';
import type { LoadedConfig, Settings } from '../config/index.ts';
import { isOfReverb } from '../config/laravel.ts';
import { maxConnections, openFileLimit } from '../open-connections.ts';

/** What the operator needs after the start: addresses, and settings to paste. */
export function startMessage(config: LoadedConfig, port: number, version: string, adminUrl?: string): string {
  const { settings, apps, configFile } = config;
  const isTls = settings.ssl.certPath !== '';
  const host = reachableHost(settings.host);
  const [app] = apps;
  const lines = [
    '',
    `Kulkul ${version} is listening`,
    `  WebSocket  ${isTls ? 'wss' : 'ws'}://${host}:${port}${settings.pathPrefix}/app/${app?.keys[0]?.key ?? 'APP_KEY'}`,
    `  HTTP API   ${isTls ? 'https' : 'http'}://${host}:${port}${settings.pathPrefix}/apps/${app?.id ?? 'APP_ID'}`,
    ...(adminUrl === undefined
      ? []
      : [
          `  console    ${adminUrl}/console shows in a browser what happens`,
          `  admin API  ${adminUrl} lists what it can do`,
        ]),
    ...appLines(config),
    ...fileLines(settings.limits.maxConnections),
    `  settings   ${configFile ?? 'defaults and environment (no configuration file)'}`,
    `             kulkul config${configFile ? ` --config ${configFile}` : ''} shows them all`,
  ];
  if (app) {
    const isReverb = isOfReverb(config.origins.get(`${appsPath}.0.key`));
    const address = {
      host,
      port,
      isTls,
      pathPrefix: settings.pathPrefix,
      driver: isReverb ? 'reverb' : 'pusher',
    } as const;
    lines.push('', ...laravelBlock(app, address, showsSecret(config)), '', ...echoBlock(app, address), '');
  }
  return `${lines.join('\n')}\n`;
}

/** Below this limit, the start message warns. */
const ENOUGH_FILES = 10_000;

/** The open-file limit where it is low, and the connections that it leaves room for: undefined where it is not. */
export function lowFileLimit(setting: Settings['limits']['maxConnections']): FileLimit | undefined {
  const openFiles = openFileLimit();
  if (openFiles === undefined || openFiles >= ENOUGH_FILES) return undefined;
  return { openFiles, maxConnections: maxConnections(setting, openFiles) };
}

interface FileLimit {
  readonly openFiles: number;
  readonly maxConnections: number;
}

function fileLines(setting: Settings['limits']['maxConnections']): string[] {
  const limit = lowFileLimit(setting);
  if (!limit) return [];
  return [
    `  open files ${limit.openFiles} at the most (ulimit -n, LimitNOFILE): room for ${limit.maxConnections} connections in each process`,
  ];
}

/** 0.0.0.0 is an address to listen on, not one to connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function appLines({ apps, settings, generatedApp }: LoadedConfig): string[] {
  const { driver } = settings.appManager;
  if (driver !== 'array') {
    return [
      `  apps       in the table ${settings.appManager[driver].table} of a database (appManager.driver: ${driver})`,
    ];
  }
  if (generatedApp) {
    const id = apps[0]?.id;
    return [`  app        ${id}, made for this run as none is configured: its credentials change with every start`];
  }
  const names = settings.appManager.array.apps.map(({ name }) => (name === undefined ? '' : ` ${name}`));
  const shown = apps
    .slice(0, 5)
    .map(({ id, keys }, index) => `${id}${names[index]} (key ${keys.map(({ key }) => key).join(', ')})`);
  const more = apps.length > shown.length ? `, and ${apps.length - shown.length} more` : '';
  return [`  ${apps.length === 1 ? 'app ' : 'apps'}       ${shown.join(', ')}${more}`];
}

/** If only this machine can connect, or the secret exists nowhere else. Otherwise it must not be in a log. */
function showsSecret({ settings, generatedApp }: LoadedConfig): boolean {
  return generatedApp || /^(127\.|::1$|localhost$)/.test(settings.host);
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly pathPrefix: string;
  /** Of Laravel's, under which the application has the app: `reverb` is `pusher` by another name. */
  readonly driver: 'pusher' | 'reverb';
}

function laravelBlock(app: App, { host, port, isTls, pathPrefix, driver }: Address, withSecret: boolean): string[] {
  const prefix = driver.toUpperCase();
  const secret = withSecret ? app.keys[0]?.secret : `"(the secret of app ${app.id} in your configuration)"`;
  const lines = [
    'Laravel .env',
    `  BROADCAST_CONNECTION=${driver}   # Laravel 11 and later`,
    `  BROADCAST_DRIVER=${driver}       # Laravel 10 and earlier`,
    `  ${prefix}_APP_ID=${app.id}`,
    `  ${prefix}_APP_KEY=${app.keys[0]?.key}`,
    `  ${prefix}_APP_SECRET=${secret}`,
    `  ${prefix}_HOST=${host}`,
    `  ${prefix}_PORT=${port}`,
    `  ${prefix}_SCHEME=${isTls ? 'https' : 'http'}`,
    ...(driver === 'pusher' ? ['  PUSHER_APP_CLUSTER=mt1'] : []),
  ];
  if (pathPrefix === '') return lines;
  // Laravel has no variable for it. Without the slash at the end the SDK drops the path, because it resolves other paths against it.
  return [...lines, `and in config/broadcasting.php, options of ${driver}:  'path' => '${pathPrefix}/',`];
}

function echoBlock(app: App, { host, port, isTls, pathPrefix, driver }: Address): string[] {
  return [
    'Laravel Echo (npm install laravel-echo pusher-js)',
    "  import Echo from 'laravel-echo';",
    "  import Pusher from 'pusher-js';",
    '  window.Pusher = Pusher;',
    '  window.Echo = new Echo({',
    `    broadcaster: '${driver}',`,
    `    key: '${app.keys[0]?.key}',`,
    ...(driver === 'pusher' ? ["    cluster: 'mt1',"] : []),
    `    wsHost: '${host}',`,
    `    wsPort: ${port},`,
    `    wssPort: ${port},`,
    ...(pathPrefix === '' ? [] : [`    wsPath: '${pathPrefix}',`]),
    `    forceTLS: ${isTls},`,
    "    enabledTransports: ['ws', 'wss'],",
    '  });',
  ];
}
