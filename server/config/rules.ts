import path from 'node:path';
import { isLoopback } from '../client-address.ts';
import type { AdminTokenOptions } from './admin-tokens.ts';
import { conditionOf, sections, settings } from './catalogue.ts';
import { secretPlaceholder } from './credentials.ts';
import type { Entry, Merge } from './merge.ts';
import type { Origin } from './origin.ts';

/** Checks what settings that are right in themselves say together. */
export function checkSettings(merge: Merge): void {
  checkTls(merge);
  checkAdmin(merge);
  checkRedis(merge);
  const min = merge.entries.get('databasePooling.min');
  if (
    min &&
    merge.hasEffect('databasePooling.min') &&
    Number(min.value) > Number(merge.valueOf('databasePooling.max'))
  ) {
    merge.report(min.origin, 'databasePooling.min: is above databasePooling.max.');
  }
}

/** One half of a certificate and key would mean plain text where TLS was meant. */
function checkTls(merge: Merge): void {
  for (const [name, other] of [
    ['ssl.certPath', 'ssl.keyPath'],
    ['ssl.keyPath', 'ssl.certPath'],
  ] as const) {
    const given = merge.filled(name);
    if (given && !merge.filled(other)) merge.report(given.origin, `${name}: TLS needs ${other}, too.`);
  }
}

/** Whoever reaches the admin API without a token is master of all apps. */
function checkAdmin(merge: Merge): void {
  const host = merge.entries.get('admin.host');
  const token = merge.filled('admin.token');
  const tokens = merge.entries.get('admin.tokens');
  const listed = (tokens?.value ?? []) as readonly AdminTokenOptions[];
  if (tokens && token && listed.some((one) => one.token === token.value)) {
    merge.report(tokens.origin, 'admin.tokens: one of them is admin.token, too, which may do everything.');
  }
  if (host === undefined || isLoopback(String(host.value)) || merge.valueOf('admin.enabled') === false) return;
  const placeholder = token && secretPlaceholder(String(token.value));
  if (placeholder) merge.report(token.origin, `admin.token: ${placeholder}.`);
  for (const [index, one] of listed.entries()) {
    const problem = secretPlaceholder(one.token);
    if (tokens && problem) merge.report(tokens.origin, `admin.tokens[${index}].token: ${problem}.`);
  }
  if (token || listed.length > 0 || merge.isWrong('admin.token') || merge.isWrong('admin.tokens')) return;
  const message = `admin.host: on ${host.value} others can reach the admin API, so it needs admin.token. Create one with: openssl rand -hex 32. Or leave it on 127.0.0.1.`;
  merge.report(host.origin, message);
}

function checkRedis(merge: Merge): void {
  const isCluster = merge.filled('database.redis.clusterNodes') ?? merge.filled('adapter.redis.clusterMode');
  if (!isCluster || !merge.hasEffect('database.redis.host')) return;
  const sentinels = merge.filled('database.redis.sentinels');
  const sentinelsToo = 'database.redis.sentinels: a Redis Cluster has no Sentinels. Set one or the other.';
  if (sentinels) merge.report(sentinels.origin, sentinelsToo);
  const db = merge.filled('database.redis.db');
  if (db) merge.report(db.origin, 'database.redis.db: a Redis Cluster has database 0 only.');
}

/** Fills in what settings say about others. */
export function completeSettings(merge: Merge): void {
  const debug = merge.entries.get('debug');
  if (debug?.value === true && merge.valueOf('log.level') !== 'trace')
    merge.replace('log.level', 'debug', debug.origin);
  chooseDrainMode(merge);
  sharePort(merge);
}

/** Soketi has one port for all that is not for clients. Whoever sets one of the two means both. */
function sharePort(merge: Merge): void {
  for (const [name, other] of [
    ['admin.port', 'metrics.port'],
    ['metrics.port', 'admin.port'],
  ] as const) {
    const given = merge.entries.get(name);
    if (given && given.origin.kind !== 'default' && !merge.entries.has(other)) {
      merge.replace(other, given.value, given.origin);
      return;
    }
  }
}

/** Whoever stops alone is waited for; where others go on, clients had better go to those. */
function chooseDrainMode(merge: Merge): void {
  if (merge.valueOf('drain.mode') !== 'auto') return;
  const driver = merge.entries.get('adapter.driver');
  const given = [...merge.entries].find(([name]) => name.startsWith('drain.') && name !== 'drain.mode')?.[1];
  const isWrong = ['drain.seconds', 'drain.jitter'].some((name) => merge.isWrong(name));
  const reason = driver?.value === 'redis' ? driver : given;
  const origin: Origin = reason?.origin ?? { kind: 'default' };
  merge.replace('drain.mode', reason || isWrong ? 'move' : 'restart', origin);
}

/** A path in a file is meant from that file's folder; any other from the working directory. */
export function resolvePaths(merge: Merge, fileFolder: string, cwd: string): void {
  for (const { path: name, meta } of settings.values()) {
    const entry = merge.entries.get(name);
    if (!entry || !meta.files) continue;
    const folder = folderOf(entry, fileFolder, cwd);
    const { value } = entry;
    if (meta.files === 'path' && value !== '') merge.replace(name, path.resolve(folder, String(value)));
    if (meta.files === 'tls' && typeof value === 'object' && value !== null) {
      merge.replace(name, resolveCertificates(value, folder));
    }
  }
}

/** Where a relative path in a value starts. */
export function folderOf({ origin }: Entry, fileFolder: string, cwd: string): string {
  return origin.kind === 'file' ? fileFolder : cwd;
}

/** PEM text stays as it is. */
function resolveCertificates(tls: object, folder: string): object {
  const resolve = (value: unknown): unknown =>
    typeof value === 'string' && !value.includes('-----BEGIN') ? path.resolve(folder, value) : value;
  const entries = Object.entries(tls).map(([name, value]: [string, unknown]) => {
    if (!['ca', 'cert', 'key'].includes(name)) return [name, value] as const;
    return [name, Array.isArray(value) ? value.map(resolve) : resolve(value)] as const;
  });
  return Object.fromEntries(entries);
}

/** Sentences that name what was set without effect. */
export function ineffectiveWarnings(merge: Merge): string[] {
  const always = [...merge.ineffective];
  const conditions = [...settings.values(), ...sections.values()].flatMap((one) =>
    'meta' in one ? (one.meta.onlyWith?.setting ?? []) : (one.onlyWith?.setting ?? []),
  );
  return [
    ...(always.length > 0 ? [`Without effect in this version: ${always.join(', ')}.`] : []),
    ...[...new Set(conditions)].flatMap((condition) => {
      const unused = [...merge.entries].flatMap(([name, { origin }]) => {
        if (conditionOf(name)?.setting !== condition || merge.hasEffect(name)) return [];
        return [origin.kind === 'variable' ? `${name} (${origin.name})` : name];
      });
      const value = merge.valueOf(condition);
      return unused.length > 0 ? [`Without effect while ${condition} is ${value}: ${unused.join(', ')}.`] : [];
    }),
  ];
}
