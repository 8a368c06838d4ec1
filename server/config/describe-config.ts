import { hostPort } from '../client-address.ts';
import type { AdminTokenOptions } from './admin-tokens.ts';
import type { CoalescingOptions } from './app-options.ts';
import {
  type AudienceOption,
  type AuthOptions,
  type ChannelRuleOptions,
  parsePublicKey,
  type TokenOptions,
} from './authorization-options.ts';
import { appOptions, appsPath, conditionOf, type Setting, sectionOf, sections, settings } from './catalogue.ts';
import type { FeedOptions } from './feed-options.ts';
import type { LoadedConfig } from './load-config.ts';
import { MASK, maskSecrets } from './mask.ts';
import { nameOrigin, type Origin } from './origin.ts';
import type { RedisAddress } from './redis-settings.ts';
import type { Settings } from './schema.ts';
import type { WebhookOptions } from './webhook-options.ts';

interface Line {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

interface Block {
  readonly title: string;
  readonly lines: readonly Line[];
}

/**
 * The effective configuration for a person: one `setting = value   (where from)` per line, in groups, secrets masked,
 * warnings at the end.
 */
export function describeConfig(loaded: LoadedConfig): string {
  const blocks = [
    settingsBlock('Kulkul', '', loaded),
    ...[...sections.values()].map(({ path, title }) =>
      path.includes('.') ? { title, lines: [] } : settingsBlock(title, path, loaded),
    ),
    ...loaded.settings.appManager.array.apps.map((_, index) => appBlock(index, loaded)),
  ].filter(({ lines }) => lines.length > 0);

  const nameWidth = Math.max(...blocks.flatMap(({ lines }) => lines.map(({ name }) => name.length)));
  // A list of headers must not push the origins of everything else off the screen.
  const valueWidth = Math.min(30, Math.max(...blocks.flatMap(({ lines }) => lines.map(({ value }) => value.length))));
  const paragraphs = blocks.map(({ title, lines }) =>
    [
      `# ${title}`,
      ...lines.map(
        ({ name, value, origin }) => `${name.padEnd(nameWidth)} = ${value.padEnd(valueWidth)}   (${origin})`,
      ),
    ].join('\n'),
  );
  if (loaded.warnings.length > 0) {
    paragraphs.push(['# Warnings', ...loaded.warnings.map((warning) => `- ${warning}`)].join('\n'));
  }
  const file = loaded.configFile === undefined ? 'none' : loaded.configFile;
  return [`Configuration file: ${file}`, ...paragraphs, ''].join('\n\n').trimEnd().concat('\n');
}

function settingsBlock(title: string, section: string, { settings: values, origins }: LoadedConfig): Block {
  const own = [...settings.values()].filter(
    ({ path, kind }) => groupOf(path) === section && kind !== 'apps' && isUsed(path, values),
  );
  const isUnused = section === 'ssl' && !own.some(({ path }) => origins.has(path));
  if (isUnused) return { title, lines: [{ name: 'ssl', value: 'off', origin: 'default' }] };
  const lines = own.flatMap((setting) => describeOption(setting.path, setting, valueAt(values, setting.path), origins));
  if (section === 'database') lines.push(...describeClientOptions(values, origins));
  return { title, lines };
}

/** What is only looked at where it has an effect. */
function isUsed(path: string, values: Settings): boolean {
  const condition = conditionOf(path);
  // Of several processes the same one says how clients are parted from: all of that is shown.
  if (condition === undefined || sectionOf(path) === 'drain' || !path.includes('.')) return true;
  return condition.is.includes(String(valueAt(values, condition.setting)));
}

/** What is handed on to the client of a server as it is; it may hold anything, so its value is not shown. */
function describeClientOptions(values: Settings, origins: ReadonlyMap<string, Origin>): Line[] {
  return [...origins].flatMap(([name, origin]) => {
    const isOption = sections.get(sectionOf(name))?.isOpen && !settings.has(name) && isUsed(name, values);
    return isOption ? [{ name, value: 'set', origin: nameOrigin(origin) }] : [];
  });
}

/** Only what was said about the app: what was not is the same for all apps, and stands above or in the documentation. */
function appBlock(index: number, { settings: values, origins, generatedApp }: LoadedConfig): Block {
  const options: Readonly<Record<string, unknown>> = values.appManager.array.apps[index] ?? {};
  const prefix = `${appsPath}.${index}`;
  const lines = [...appOptions].flatMap(([name, setting]) =>
    origins.has(`${prefix}.${name}`)
      ? describeOption(`${prefix}.${name}`, setting, options[name], origins, `apps.${index}.${name}`)
      : [],
  );
  const note = generatedApp ? ', with random credentials for this run' : '';
  return { title: `App ${JSON.stringify(options.id)}${note}`, lines };
}

function describeOption(
  path: string,
  setting: Setting,
  value: unknown,
  origins: ReadonlyMap<string, Origin>,
  name = path,
): Line[] {
  if (setting.kind !== 'structure') return [describeLine(path, setting, value, origins, name)];
  const parts = describeStructure(setting.path, value);
  const origin = nameOrigin(origins.get(path) ?? { kind: 'default' });
  if (parts.length === 0) return [{ name, value: 'none', origin }];
  return parts.map(([part, shown]) => ({ name: `${name}.${part}`, value: shown, origin }));
}

function describeLine(
  path: string,
  setting: Setting,
  value: unknown,
  origins: ReadonlyMap<string, Origin>,
  name = path,
): Line {
  const origin = origins.get(path);
  return { name, value: showValue(setting, value), origin: nameOrigin(origin ?? { kind: 'default' }) };
}

function showValue(setting: Setting, value: unknown): string {
  if (setting.kind === 'keys') return showKeys(value);
  if (value === undefined) return 'unset';
  if (setting.kind === 'addresses') return showAddresses(value);
  if (setting.kind === 'options' && isEmptyObject(value)) return 'none';
  if (setting.kind === 'options' || (setting.kind === 'switch' && typeof value === 'object')) return 'set';
  if (setting.kind === 'anything') return Array.isArray(value) ? `${value.length} of them` : 'set';
  if (setting.meta.secret === 'always' && value !== '') return MASK;
  if (Array.isArray(value)) return value.map((item) => maskSecrets(String(item))).join(', ') || 'none';
  return JSON.stringify(typeof value === 'string' ? maskSecrets(value) : value);
}

function showKeys(pairs: unknown): string {
  if (!Array.isArray(pairs)) return 'none';
  return pairs.map(({ key }: { key: string }) => `${JSON.stringify(key)} with ${MASK}`).join(', ') || 'none';
}

/** Without users and passwords. */
function showAddresses(addresses: unknown): string {
  if (!Array.isArray(addresses)) return 'none';
  const shown = addresses.map(({ host, port }: RedisAddress) => {
    const name = maskSecrets(host);
    return port ? hostPort(name, port) : name;
  });
  return shown.join(', ') || 'none';
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** `httpApi` for `httpApi.acceptTraffic.memoryThreshold`, `""` for `port`. */
function groupOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf('.')));
}

function valueAt(values: Settings, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((section, name) => (section as Record<string, unknown> | undefined)?.[name], values);
}

/** A part of a setting, `jwt.keys.0`, and its value as people are shown it. */
type Part = readonly [path: string, value: string];

/** What is set of a setting, or of an option of an app, that is an object or a list, one line for each part, secrets masked. */
function describeStructure(option: string, value: unknown): readonly Part[] {
  switch (option) {
    case 'auth':
      return describeAuth(value as AuthOptions);
    case 'feeds':
      return describeFeeds(value as FeedOptions[]);
    case 'coalescing':
      return describeCoalescing(value as CoalescingOptions[]);
    case 'webhooks':
      return describeWebhooks(value as WebhookOptions[]);
    case 'admin.tokens':
      return describeTokens(value as AdminTokenOptions[]);
    default:
      return describeChannels(value as ChannelRuleOptions[]);
  }
}

function describeAuth({ jwt, encryptionMasterKey }: AuthOptions): readonly Part[] {
  const masterKey: Part[] = encryptionMasterKey === undefined ? [] : [['encryptionMasterKey', '•••']];
  if (jwt === undefined) return masterKey;
  const { keys, ...others } = jwt;
  const parts = Object.entries(others).flatMap(([name, value]): Part[] => {
    const isUnset = value === undefined || (Array.isArray(value) && value.length === 0);
    return isUnset ? [] : [[`jwt.${name}`, showPart(value)]];
  });
  return [...keys.map((key, index): Part => [`jwt.keys.${index}`, describeKey(key)]), ...parts, ...masterKey];
}

function describeTokens(tokens: readonly AdminTokenOptions[]): readonly Part[] {
  return tokens.map(({ name, access, apps }, index) => {
    const scope = apps === undefined ? 'all apps' : `apps ${apps.join(', ')}`;
    return [String(index), `${JSON.stringify(name)}, access ${access}, ${scope}`];
  });
}

function describeChannels(rules: readonly ChannelRuleOptions[]): readonly Part[] {
  return rules.map((rule, index) => [String(index), describeRule(rule)]);
}

function describeFeeds(feeds: readonly FeedOptions[]): readonly Part[] {
  return feeds.map(({ path, channel, format, last, echo, welcome }, index) => {
    const kept = last === true ? ['last'] : last === false ? [] : [`last ${JSON.stringify(last)}`];
    const switches = [...kept, ...(echo ? ['echo'] : []), ...(welcome === undefined ? [] : ['welcome'])];
    return [String(index), [`${path} reads ${channel}`, `format ${format}`, ...switches].join(', ')];
  });
}

function describeCoalescing(rules: readonly CoalescingOptions[]): readonly Part[] {
  return rules.map(({ name, milliseconds }, index) => [String(index), `${JSON.stringify(name)}, ${milliseconds} ms`]);
}

/** Of headers only the names: their values may be secrets. */
function describeWebhooks(webhooks: readonly WebhookOptions[]): readonly Part[] {
  return webhooks.map(({ url, event_types: types, filter, headers }, index) => {
    const named = Object.keys(headers ?? {});
    const parts = [
      maskSecrets(url),
      types.join(' '),
      ...Object.entries(filter ?? {}).flatMap(([name, part]) => (part ? [`${name} ${JSON.stringify(part)}`] : [])),
      ...(named.length > 0 ? [`headers ${named.join(' ')}`] : []),
    ];
    return [String(index), parts.join(', ')];
  });
}

function describeKey({ kid, secret, publicKey = '', algorithms }: TokenOptions['keys'][number]): string {
  const what = secret === undefined ? `public key (${parsePublicKey(publicKey).description})` : 'secret •••';
  return [
    ...(kid === undefined ? [] : [`kid ${JSON.stringify(kid)}`]),
    what,
    ...(algorithms === undefined ? [] : [algorithms.join(' ')]),
  ].join(', ');
}

function describeRule({ name, subscribe, clientEvents, publish }: ChannelRuleOptions): string {
  const lists = Object.entries({ subscribe, clientEvents, publish }).flatMap(([what, audiences]) =>
    audiences === undefined ? [] : [`${what} ${audiences.map(describeAudience).join(' or ') || 'application'}`],
  );
  return [JSON.stringify(name), ...lists].join(', ');
}

function describeAudience(audience: AudienceOption): string {
  if (typeof audience === 'string') return audience;
  const { roles, own } = audience;
  const parts = [...(roles === undefined ? [] : [`role ${roles.join('/')}`]), ...(own ? ['own'] : [])];
  return parts.join(' and ') || 'token';
}

function showPart(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => maskSecrets(String(item))).join(', ');
  return maskSecrets(JSON.stringify(value));
}
