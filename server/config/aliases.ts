import type { AppOptionName } from './app-options.ts';

/** A variable of another program that stands for one of our settings. */
export interface Alias {
  readonly name: string;
  /** The setting, or the option of an app. */
  readonly target: string;
  /** For people: what it means here. */
  readonly note: string;
  /** Turns the other program's value into ours; undefined: it says nothing that we need to know. */
  readonly convert?: (text: string) => string | undefined;
  /** It is only read where this variable says true. */
  readonly onlyWith?: string;
}

/**
 * Reverb's own settings. Not listed: `REVERB_HOST`, `REVERB_PORT`, `REVERB_SCHEME` and their `PUSHER_` twins, which tell
 * clients and the application where the broker is to be reached, not the broker where to listen.
 */
export const settingAliases: readonly Alias[] = [
  { name: 'REVERB_SERVER_HOST', target: 'host', note: '`host`' },
  { name: 'REVERB_SERVER_PORT', target: 'port', note: '`port`' },
  { name: 'REVERB_SERVER_PATH', target: 'pathPrefix', note: '`pathPrefix`' },
  {
    name: 'REVERB_MAX_REQUEST_SIZE',
    target: 'httpApi.requestLimitInMb',
    note: '`httpApi.requestLimitInMb`, given in bytes',
    convert: bytesToMegabytes,
  },
  { name: 'REVERB_APP_MAX_MESSAGE_SIZE', target: 'maxFrameBytes', note: '`maxFrameBytes`' },
  { name: 'REVERB_APP_ACTIVITY_TIMEOUT', target: 'activityTimeoutSeconds', note: '`activityTimeoutSeconds`' },
  {
    name: 'REVERB_SCALING_ENABLED',
    target: 'adapter.driver',
    note: 'true: `adapter.driver` is `redis`',
    convert: (text) => (isTrue(text) ? 'redis' : undefined),
  },
  ...laravelRedis('HOST', 'host'),
  ...laravelRedis('PORT', 'port'),
  ...laravelRedis('DB', 'db'),
  ...laravelRedis('USERNAME', 'username'),
  ...laravelRedis('PASSWORD', 'password'),
];

/** Laravel's connection to Redis, which Reverb scales over; without that it is the application's own affair. */
function laravelRedis(name: string, option: string): Alias[] {
  const target = `database.redis.${option}`;
  const onlyWith = 'REVERB_SCALING_ENABLED';
  return [{ name: `REDIS_${name}`, target, onlyWith, note: `\`${target}\`, where \`${onlyWith}\` is true` }];
}

export function isTrue(text: string): boolean {
  return /^(1|true|yes|on)$/i.test(text.trim());
}

/** A group of variables that names one app. The groups do not mix: half an app of Pusher's is no app of Reverb's. */
export interface AppAliases {
  readonly prefix: string;
  readonly variables: readonly (Alias & { readonly target: AppOptionName })[];
}

/** In the order in which they are looked for. */
export const appAliases: readonly AppAliases[] = [
  {
    prefix: 'PUSHER_APP_',
    variables: [
      { name: 'PUSHER_APP_ID', target: 'id', note: "the app's `id`" },
      { name: 'PUSHER_APP_KEY', target: 'key', note: "the app's `key`" },
      { name: 'PUSHER_APP_SECRET', target: 'secret', note: "the app's `secret`" },
    ],
  },
  {
    prefix: 'REVERB_APP_',
    variables: [
      { name: 'REVERB_APP_ID', target: 'id', note: "the app's `id`" },
      { name: 'REVERB_APP_KEY', target: 'key', note: "the app's `key`" },
      { name: 'REVERB_APP_SECRET', target: 'secret', note: "the app's `secret`" },
      { name: 'REVERB_APP_MAX_CONNECTIONS', target: 'maxConnections', note: "the app's `maxConnections`" },
      {
        name: 'REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM',
        target: 'enableClientMessages',
        note: "the app's `enableClientMessages`: true for `members` and `all`",
        convert: (text) => ({ members: 'true', all: 'true', none: 'false' })[text.trim().toLowerCase()] ?? text,
      },
    ],
  },
];

function bytesToMegabytes(text: string): string {
  const bytes = Number(text);
  return Number.isFinite(bytes) ? String(bytes / 1_048_576) : text;
}
