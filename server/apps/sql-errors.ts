/** Parts of an app database that are tried at the start, in this order. */
export type DatabasePart = 'driver' | 'address' | 'TLS' | 'access' | 'database' | 'table' | 'connection';

/** The database of the apps can't be used. The message is for people: what failed, where, why and what to do. */
export class AppStoreStartError extends Error {
  override readonly name = 'AppStoreStartError';
  readonly part: DatabasePart;

  constructor(part: DatabasePart, message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}

/** A database that keeps silent. */
export class SqlTimeout extends Error {
  override readonly name = 'SqlTimeout';

  constructor() {
    super('no answer in time');
  }
}

/**
 * What an error of a driver means to whoever asked. `away`: the database can't be reached or does not answer; `lost`: the
 * connection was, and another may do; `duplicate`: a key is taken; `data`: the database can't hold or compare a value.
 */
export type SqlFailure = 'away' | 'lost' | 'duplicate' | 'data' | 'access' | 'database' | 'table' | 'TLS' | 'other';

/** MySQL's names, PostgreSQL's SQLSTATEs, SQLite's names. */
const FAILURES: Readonly<Record<string, SqlFailure>> = {
  PROTOCOL_CONNECTION_LOST: 'lost',
  PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR: 'lost',
  ECONNRESET: 'lost',
  EPIPE: 'lost',
  '57P01': 'lost',
  '57P02': 'lost',
  ER_CONNECTION_KILLED: 'lost',
  ER_SERVER_SHUTDOWN: 'lost',

  ER_ACCESS_DENIED_ERROR: 'access',
  ER_DBACCESS_DENIED_ERROR: 'access',
  ER_TABLEACCESS_DENIED_ERROR: 'access',
  ER_HOST_NOT_PRIVILEGED: 'access',
  ER_NOT_SUPPORTED_AUTH_MODE: 'access',
  AUTH_SWITCH_PLUGIN_ERROR: 'access',
  '28000': 'access',
  '28P01': 'access',
  '42501': 'access',
  SQLITE_READONLY: 'access',
  SQLITE_AUTH: 'access',

  ER_BAD_DB_ERROR: 'database',
  '3D000': 'database',
  SQLITE_CANTOPEN: 'database',
  SQLITE_NOTADB: 'database',
  SQLITE_CORRUPT: 'database',

  ER_NO_SUCH_TABLE: 'table',
  '42P01': 'table',
  '3F000': 'table',

  HANDSHAKE_NO_SSL_SUPPORT: 'TLS',
  HANDSHAKE_SSL_ERROR: 'TLS',

  ER_DUP_ENTRY: 'duplicate',
  '23505': 'duplicate',
  SQLITE_CONSTRAINT_PRIMARYKEY: 'duplicate',
  SQLITE_CONSTRAINT_UNIQUE: 'duplicate',

  SQLITE_MISMATCH: 'data',
  ER_CANT_AGGREGATE_2COLLATIONS: 'data',
  ER_CANT_AGGREGATE_NCOLLATIONS: 'data',
  ER_CANT_AGGREGATE_3COLLATIONS: 'data',
  ER_INVALID_CHARACTER_STRING: 'data',
  ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: 'data',
  ER_DATA_TOO_LONG: 'data',
  ER_WARN_DATA_OUT_OF_RANGE: 'data',
  ER_BAD_NULL_ERROR: 'data',
  ER_INVALID_JSON_TEXT: 'data',
  ER_CONSTRAINT_FAILED: 'data',
  WARN_DATA_TRUNCATED: 'data',
};

/** There, but not able to serve just now, is no other case than not there. */
const AWAY: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ER_CON_COUNT_ERROR',
  '53300',
  '57P03',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
]);

export function failureOf(error: unknown): SqlFailure {
  const code = codeOf(error);
  const known = FAILURES[code] ?? FAILURES[code.replace(/^(SQLITE_[A-Z]+)_.*$/, '$1')];
  if (known !== undefined) return known;
  if (AWAY.has(code) || AWAY.has(code.replace(/^(SQLITE_[A-Z]+)_.*$/, '$1'))) return 'away';
  if (error instanceof AggregateError) return failureOf(error.errors[0]);
  if (/^(22|23)[0-9A-Z]{3}$/.test(code) || code.startsWith('SQLITE_CONSTRAINT')) return 'data';
  const message = messageOf(error);
  if (/Connection (lost|terminated)|closed state|not queryable/i.test(message)) return 'lost';
  if (/SSL|TLS|certificate|self-signed/i.test(message) || /^(ERR_TLS|CERT_|DEPTH_|UNABLE_TO|SELF_SIGNED)/.test(code)) {
    return 'TLS';
  }
  if (code === 'SQLITE_ERROR' && message.includes('no such table')) return 'table';
  if (/timeout/i.test(message) || error instanceof SqlTimeout) return 'away';
  // No password where one is asked for, as pg says it.
  if (message.startsWith('SASL')) return 'access';
  return 'other';
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** One line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  const message = error instanceof Error ? error.message : String(error);
  const text = message.replaceAll(/\s+/g, ' ').trim();
  return text === '' ? codeOf(error) : text;
}
