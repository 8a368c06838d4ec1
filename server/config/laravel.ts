import { hostname, networkInterfaces } from 'node:os';
import { isLoopback } from '../client-address.ts';
import { appOption, appsPath, settings } from './catalogue.ts';
import type { Variables } from './environment.ts';
import type { Merge } from './merge.ts';
import type { Origin } from './origin.ts';
import { readValue } from './read-value.ts';
import type { Alias } from './setting.ts';

/** A variable of Laravel's that describes the app. */
export interface AppAlias extends Alias {
  /** The option of the app. */
  readonly target: string;
  readonly note: string;
}

/** A group of variables that names one app. The groups do not mix: half an app of Pusher's is no app of Reverb's. */
export interface AppAliases {
  readonly prefix: string;
  /** As `BROADCAST_CONNECTION` names it. */
  readonly connection: string;
  readonly variables: readonly AppAlias[];
}

const identity = (prefix: string): AppAlias[] => [
  { name: `${prefix}ID`, target: 'id', note: "the app's `id`" },
  { name: `${prefix}KEY`, target: 'key', note: "the app's `key`" },
  { name: `${prefix}SECRET`, target: 'secret', note: "the app's `secret`" },
];

/** In the order in which they are looked for. */
export const appAliases: readonly AppAliases[] = [
  { prefix: 'PUSHER_APP_', connection: 'pusher', variables: identity('PUSHER_APP_') },
  {
    prefix: 'REVERB_APP_',
    connection: 'reverb',
    variables: [
      ...identity('REVERB_APP_'),
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

/** Other variables of Reverb's: they are for the application, or have no equal here. */
export const REVERB_ONLY: readonly string[] = [
  ...['REVERB_HOST', 'REVERB_PORT', 'REVERB_SCHEME', 'REVERB_SERVER', 'REVERB_SCALING_CHANNEL'],
  ...['REVERB_APP_PING_INTERVAL', 'REVERB_PULSE_INGEST_INTERVAL', 'REVERB_TELESCOPE_INGEST_INTERVAL'],
  ...['ENABLED', 'MAX_ATTEMPTS', 'DECAY_SECONDS', 'TERMINATE'].map((name) => `REVERB_APP_RATE_LIMITING_${name}`),
];

/** What was made of the variables of Laravel. */
export interface LaravelApp {
  /** Those that describe the first app; undefined: none do. */
  readonly used: AppAliases | undefined;
  /** Those that are there and describe nothing, and why. */
  readonly passedOver: readonly { readonly group: AppAliases; readonly why: string }[];
}

/**
 * Lets `PUSHER_APP_…` or `REVERB_APP_…` describe the app. They belong to an application that may happen to be started from the
 * same folder, so that they only apply where no app is configured, or to the one which they name.
 *
 * @param number - of the first app
 * @param strongId - the id that stronger variables give it
 */
export function readLaravelApp(
  merge: Merge,
  variables: Variables,
  number: string,
  strongId: string | undefined,
): LaravelApp {
  const isThere = ({ name }: AppAlias): boolean => variables.has(name);
  const identities = (group: AppAliases) => group.variables.slice(0, 3).filter(isThere);
  const present = appAliases.filter((group) => identities(group).length > 0);
  const broadcast = variables.get('BROADCAST_CONNECTION') ?? variables.get('BROADCAST_DRIVER');
  const named = present.find(({ connection }) => connection === broadcast?.text.trim());
  const chosen = named ?? present.find((group) => identities(group).length === 3) ?? present[0];
  if (!chosen) return { used: undefined, passedOver: [] };

  const why = named ? `${broadcast?.name} is ${chosen.connection}` : `${chosen.prefix}ID comes first`;
  const others = present.filter((group) => group !== chosen).map((group) => ({ group, why }));
  const path = (option: string): string => `${appsPath}.${number}.${option}`;
  const id = variables.get(`${chosen.prefix}ID`)?.text;
  const configuredId = strongId ?? merge.entries.get(path('id'))?.value;
  const isOnlyApp = merge.apps.size === 0 && (configuredId === undefined || id === undefined);
  if (!isOnlyApp && (id === undefined || id !== configuredId)) {
    const passedOver = [{ group: chosen, why: 'the configuration names its apps itself' }, ...others];
    return { used: undefined, passedOver };
  }
  for (const { name, target, convert } of chosen.variables) {
    const variable = variables.get(name);
    const setting = appOption(target);
    const text = variable && (convert ? convert(variable.text) : variable.text);
    if (!variable || !setting || text === undefined) continue;
    if (!merge.apps.has(number)) merge.apps.set(number, variable.origin);
    merge.put(path(target), setting, { from: 'text', text }, variable.origin);
  }
  return { used: chosen, passedOver: others };
}

/** Warns of variables that describe no app, unless they say no more than one of the apps does. */
export function warnOfOthers(merge: Merge, variables: Variables, { passedOver }: LaravelApp): void {
  const apps = [...merge.optionsByApp().values()];
  for (const { group, why } of passedOver) {
    const present = group.variables.filter(({ name }) => variables.has(name));
    const isSaid = apps.some((options) =>
      present.every(({ name, target }) => String(options.get(target)?.value) === variables.get(name)?.text),
    );
    const names = present.map(({ name }) => name).join(', ');
    if (!isSaid) merge.warnings.push(`${names}: passed over, because ${why}.`);
  }
}

/** The port of Reverb, and bytes of one message. */
const REVERB_PORT = 8080;
const REVERB_MESSAGE_BYTES = 10_000;

/**
 * What Reverb would do unless told otherwise, where its app is the only one: it is told by neither source, so that the application, or its users,
 * count on it.
 */
export function applyReverbDefaults(merge: Merge, variables: Variables): void {
  const [number, ...others] = merge.appNumbers();
  const origin = number === undefined ? undefined : merge.apps.get(number);
  if (others.length > 0 || origin?.kind !== 'variable' || !isOfReverb(origin)) return;
  const setUnlessGiven = (option: string, value: unknown): void => {
    const path = `${appsPath}.${number}.${option}`;
    if (!merge.entries.has(path) && !merge.isWrong(path)) merge.replace(path, value, origin);
  };
  setUnlessGiven('enableClientMessages', true);
  const bytes = Number(variables.get('REVERB_APP_MAX_MESSAGE_SIZE')?.text ?? REVERB_MESSAGE_BYTES);
  if (bytes > 0) setUnlessGiven('maxPresenceMemberSizeInKb', bytes / 1024);
  const setting = settings.get('port');
  if (!setting || merge.entries.has('port') || merge.isWrong('port')) return;
  const port = variables.get('REVERB_PORT');
  const isHere = variables.get('REVERB_SCHEME')?.text === 'http' && isThisMachine(variables.get('REVERB_HOST')?.text);
  if (port && isHere && readValue(setting, { from: 'text', text: port.text }).ok) {
    merge.put('port', setting, { from: 'text', text: port.text }, port.origin);
  } else merge.replace('port', REVERB_PORT, origin);
}

/** Whether what comes from there is the app that Reverb would serve. */
export function isOfReverb(origin: Origin | undefined): boolean {
  return origin?.kind === 'variable' && origin.name.startsWith('REVERB_APP_');
}

function isThisMachine(host = ''): boolean {
  const name = host.toLowerCase();
  if (isLoopback(name) || name === '0.0.0.0' || name === '::' || name === hostname().toLowerCase()) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === name));
}
