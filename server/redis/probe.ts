import { once } from 'node:events';
import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Redis, RedisOptions } from 'ioredis';
import { createClient } from './create-link.ts';
import { RedisStartError } from './redis-options.ts';

/** For one attempt to connect or one answer, in milliseconds. */
const PATIENCE_MS = 3000;
const RETRY_MS = 200;

/** A problem that waiting may solve: Redis is starting, or loading from disk. */
class NotYet extends Error {}

/** A server that is being tried. */
export interface ProbeTarget {
  /** How people are told which one: `Redis at 127.0.0.1:6379`. */
  readonly label: string;
  /** Address, TLS, user, password and database; the rest has no meaning here. */
  readonly options: RedisOptions;
  /** What to do when the server can't be reached. */
  readonly advice: string;
}

/**
 * Tries a server part by part, address, TLS, password, database, and hands over a connection for more. A server that can't be reached,
 * or isn't ready, is tried again until the deadline.
 *
 * @param deadline - by `performance.now()`
 * @throws {RedisStartError} naming the part that failed
 */
export async function probe<T>(
  target: ProbeTarget,
  deadline: number,
  more: (client: Redis) => Promise<T>,
  onWaiting: (reason: string) => void = () => {},
): Promise<T> {
  for (;;) {
    try {
      await tryAddress(target);
      await tryTls(target);
      return await withClient(target, more);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      if (performance.now() + RETRY_MS > deadline) {
        throw new RedisStartError('address', `${target.label}: ${error.message}. ${target.advice}`);
      }
      onWaiting(error.message);
      await pause(RETRY_MS);
    }
  }
}

/** Has the server tried once more, while there is time. */
export function notYet(reason: string): Error {
  return new NotYet(reason);
}

async function tryAddress({ options }: ProbeTarget): Promise<void> {
  const socket = connectTcp(addressOf(options));
  try {
    await settled(socket, 'connect');
  } catch (error) {
    throw new NotYet(`can't be reached (${explainNetwork(error)})`);
  } finally {
    socket.destroy();
  }
}

async function tryTls({ label, options }: ProbeTarget): Promise<void> {
  if (options.tls === undefined) return;
  let socket: Socket | undefined;
  try {
    socket = connectTls({ ...addressOf(options), ...options.tls });
    await settled(socket, 'secureConnect');
  } catch (error) {
    throw new RedisStartError('TLS', `${label}: TLS fails (${explainTls(error)}). ${adviseTls(error)}`);
  } finally {
    socket?.destroy();
  }
}

async function withClient<T>(target: ProbeTarget, more: (client: Redis) => Promise<T>): Promise<T> {
  const { host, port, path, family, tls, username, password, db } = target.options;
  // Without any handshake of the client's own: each step is taken here, so that its failure has a name.
  const client = createClient({
    ...(path === undefined ? { host, port, family } : { path }),
    ...(tls !== undefined && { tls }),
    connectTimeout: PATIENCE_MS,
    commandTimeout: PATIENCE_MS,
    disconnectTimeout: 100,
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  } as RedisOptions);
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw new NotYet(`can't be reached (${messageOf(error)})`);
    });
    if (password !== undefined) await authenticate(client, target, username, password);
    await greet(client, target);
    if (db) await select(client, target, db);
    return await more(client);
  } finally {
    client.disconnect();
  }
}

async function authenticate(
  client: Redis,
  { label }: ProbeTarget,
  username: string | undefined,
  password: string,
): Promise<void> {
  try {
    if (username === undefined) await client.auth(password);
    else await client.auth(username, password);
  } catch (error) {
    const message = messageOf(error);
    // A password for a server that needs none must not stop the start.
    if (/without any password configured|no password is set/.test(message)) return;
    if (!isReply(error)) throw closed(label, message);
    const who = username === undefined ? 'the password' : `user ${JSON.stringify(username)} with this password`;
    throw new RedisStartError(
      'password',
      `${label}: refuses ${who} (${message}). Check database.redis.username and database.redis.password.`,
    );
  }
}

async function greet(client: Redis, { label }: ProbeTarget): Promise<void> {
  try {
    await client.ping();
  } catch (error) {
    const message = messageOf(error);
    if (/^(LOADING|BUSY|MASTERDOWN)/.test(message)) throw new NotYet(`is not ready (${message})`);
    if (message.startsWith('NOAUTH')) {
      throw new RedisStartError('password', `${label}: wants a password. Set database.redis.password.`);
    }
    if (message.startsWith('NOPERM')) return;
    if (isReply(error)) throw new RedisStartError('address', `${label}: refuses the connection (${message}).`);
    throw closed(label, message);
  }
}

async function select(client: Redis, { label }: ProbeTarget, db: number): Promise<void> {
  try {
    await client.select(db);
  } catch (error) {
    throw new RedisStartError(
      'database',
      `${label}: has no database ${db} for this user (${messageOf(error)}). Check database.redis.db.`,
    );
  }
}

/** The server was reached and then said nothing that Redis would say. */
function closed(label: string, message: string): RedisStartError {
  return new RedisStartError(
    'TLS',
    `${label}: ends the connection without an answer (${message}). ` +
      'If this port speaks TLS, set database.redis.tls; else check that it is the port of Redis.',
  );
}

function addressOf({ host = '127.0.0.1', port = 6379, path, family }: RedisOptions): NetConnectOpts {
  return path === undefined ? { host, port, ...(family !== undefined && { family }) } : { path };
}

async function settled(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), PATIENCE_MS);
  try {
    const closing = once(socket, 'close', { signal: controller.signal }).then(() => {
      throw new Error('the connection was closed');
    });
    await Promise.race([once(socket, event, { signal: controller.signal }), closing]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

function explainNetwork(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return `no answer within ${PATIENCE_MS / 1000} seconds`;
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    default:
      return messageOf(error);
  }
}

function explainTls(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return `no answer within ${PATIENCE_MS / 1000} seconds`;
  const code = codeOf(error);
  return code === undefined ? messageOf(error) : code;
}

function adviseTls(error: unknown): string {
  const code = codeOf(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'The certificate is for another name: set database.redis.tls.servername.';
  }
  if (/CERT|ISSUER|SIGNATURE/.test(code)) {
    return 'The certificate is not trusted: set database.redis.tls.ca to the file of its authority.';
  }
  return 'Check that this port speaks TLS, and database.redis.tls.';
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
