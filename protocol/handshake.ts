import { CLOSE_CODES, Disconnect } from './errors.ts';
import { quote } from './json.ts';

const OLDEST_PROTOCOL = 4;
const NEWEST_PROTOCOL = 7;
/** Dotted numbers with an optional suffix: `8.6.0`, `7.0.3-with-encryption`, `8.0.0-beta.1`. */
const VERSION = /^\d+([-+.][0-9A-Za-z]+)*$/;

/**
 * The app key of `{prefix}/app/{key}`.
 *
 * @param path - path of the request, without the query
 * @param prefix - '' or `/prefix` without a trailing slash
 * @throws {Disconnect} 4005 for any other path
 */
export function parseConnectionPath(path: string, prefix: string): string {
  const start = `${prefix}/app/`;
  const key = path.startsWith(start) ? path.slice(start.length).replace(/\/$/, '') : '';
  if (key === '' || key.includes('/')) {
    const reason = hasSlashTooMany(path, start) ? ' has a slash too many' : '';
    throw new Disconnect(
      'path-not-found',
      CLOSE_CODES.pathNotFound,
      `Path not found: ${quote(path, 40)}${reason}. Connect to ${prefix}/app/APP_KEY`,
    );
  }
  return key;
}

/** As when a base URL or `wsPath` ends with a slash. */
function hasSlashTooMany(path: string, start: string): boolean {
  const collapsed = path.replace(/\/{2,}/g, '/');
  return collapsed !== path && collapsed.startsWith(start) && collapsed !== start;
}

/** What the query and headers of a connection say about the client library. */
export interface ClientLibrary {
  readonly client: string | undefined;
  readonly version: string | undefined;
  /** `Origin` header, which browsers always send; '' for none. */
  readonly origin: string;
}

/**
 * Whether closing a connection soon after it opened harms a client: pusher-js before 8.2 gives its WebSocket transport two "lives". Outside
 * browsers, whose close events report a clean close, each such close costs one. With none left it never reconnects. An answer
 * other than 101 costs none.
 */
export function hasLives({ client, version, origin }: ClientLibrary): boolean {
  if (client !== 'js' || origin !== '') return false;
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(version ?? '') ?? [];
  return Number(major) < 8 || (Number(major) === 8 && Number(minor) < 2);
}

/**
 * Checks the `protocol` and `version` of the connection's query.
 *
 * @param protocol - as sent; undefined when missing, which only strict servers refuse (plain WebSocket clients send none)
 * @throws {Disconnect} 4006, 4007 or 4008
 * @see Pusher, "WebSocket protocol", versions 4 to 7
 */
export function checkProtocolVersion(protocol: string | undefined, version: string | undefined, strict: boolean): void {
  if (protocol === undefined || protocol === '') {
    if (strict) {
      throw new Disconnect(
        'missing-protocol',
        CLOSE_CODES.missingProtocol,
        'No protocol version supplied: add ?protocol=7 to the URL',
      );
    }
  } else if (!/^\d{1,3}$/.test(protocol) || Number(protocol) < OLDEST_PROTOCOL || Number(protocol) > NEWEST_PROTOCOL) {
    throw new Disconnect(
      'unsupported-protocol',
      CLOSE_CODES.unsupportedProtocol,
      `Unsupported protocol version ${quote(protocol, 20)}: this server speaks ${OLDEST_PROTOCOL} to ${NEWEST_PROTOCOL}`,
    );
  }
  if (version !== undefined && version !== '' && !VERSION.test(version)) {
    throw new Disconnect(
      'invalid-version',
      CLOSE_CODES.invalidVersion,
      `Invalid version string format: ${quote(version, 20)}. Expected something like 8.6.0`,
    );
  }
}

const SOCKET_ID = /^\d+\.\d+$/;
/** Two integers below 2^53, with room for the ids of other servers. */
const MAX_SOCKET_ID_LENGTH = 64;

/** Whether this is the id of a connection, as in `pusher:connection_established`: `123.456`. */
export function isSocketId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_SOCKET_ID_LENGTH && SOCKET_ID.test(value);
}
