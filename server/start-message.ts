import type { App } from '../channels/app.ts';
import type { LoadedConfig } from './config/index.ts';

/** What a person who starts the broker needs next: where it is, and what to paste where. */
export function startMessage(config: LoadedConfig, port: number, version: string): string {
  const { settings, apps, configFile } = config;
  const isTls = settings.ssl.certPath !== '';
  const host = reachableHost(settings.host);
  const [app] = apps;
  const lines = [
    '',
    `Kulkul ${version} is listening`,
    `  WebSocket  ${isTls ? 'wss' : 'ws'}://${host}:${port}${settings.pathPrefix}/app/${app?.keys[0]?.key}`,
    `  HTTP API   ${isTls ? 'https' : 'http'}://${host}:${port}${settings.pathPrefix}/apps/${app?.id}`,
    ...appLines(config),
    `  settings   ${configFile ?? 'defaults and environment (no configuration file)'}; kulkul config shows all of them`,
  ];
  if (app) lines.push('', ...pasteBlocks(app, host, port, isTls, showsSecret(config)));
  return `${lines.join('\n')}\n`;
}

/** 0.0.0.0 is an address to listen on, not one to connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function appLines({ apps, generatedApp }: LoadedConfig): string[] {
  if (generatedApp) {
    const id = apps[0]?.id;
    return [`  app        ${id}, made for this run as none is configured: its credentials change with every start`];
  }
  const shown = apps.slice(0, 5).map(({ id, keys }) => `${id} (key ${keys.map(({ key }) => key).join(', ')})`);
  const more = apps.length > shown.length ? `, and ${apps.length - shown.length} more` : '';
  return [`  ${apps.length === 1 ? 'app ' : 'apps'}       ${shown.join(', ')}${more}`];
}

/** Where only this machine can connect, or the secret exists nowhere else. Anywhere else it has no place in a log. */
function showsSecret({ settings, generatedApp }: LoadedConfig): boolean {
  return generatedApp || /^(127\.|::1$|localhost$)/.test(settings.host);
}

function pasteBlocks(app: App, host: string, port: number, isTls: boolean, withSecret: boolean): string[] {
  const key = app.keys[0]?.key ?? '';
  const secret = withSecret ? (app.keys[0]?.secret ?? '') : `(the secret of app ${app.id} in your configuration)`;
  const scheme = isTls ? 'https' : 'http';
  return [
    'Laravel .env',
    '  BROADCAST_CONNECTION=pusher',
    '  BROADCAST_DRIVER=pusher',
    `  PUSHER_APP_ID=${app.id}`,
    `  PUSHER_APP_KEY=${key}`,
    `  PUSHER_APP_SECRET=${secret}`,
    `  PUSHER_HOST=${host}`,
    `  PUSHER_PORT=${port}`,
    `  PUSHER_SCHEME=${scheme}`,
    '  PUSHER_APP_CLUSTER=mt1',
    '',
    'Laravel Echo (npm install laravel-echo pusher-js)',
    "  import Echo from 'laravel-echo';",
    "  import Pusher from 'pusher-js';",
    '  window.Pusher = Pusher;',
    '  window.Echo = new Echo({',
    "    broadcaster: 'pusher',",
    `    key: '${key}',`,
    "    cluster: 'mt1',",
    `    wsHost: '${host}',`,
    `    wsPort: ${port},`,
    `    wssPort: ${port},`,
    `    forceTLS: ${isTls},`,
    "    enabledTransports: ['ws', 'wss'],",
    '  });',
    '',
  ];
}
