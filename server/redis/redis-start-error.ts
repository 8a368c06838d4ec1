/** The parts of a connection to Redis that are tried at the start, in this order. */
export type RedisPart =
  | 'Sentinel'
  | 'address'
  | 'TLS'
  | 'password'
  | 'database'
  | 'cluster'
  | 'connection'
  | 'writing'
  | 'scripts'
  | 'pub/sub'
  | 'versions';

/** Redis can't be used. The message is for people: what failed, where, why and what to do; never a password. */
export class RedisStartError extends Error {
  override readonly name = 'RedisStartError';
  readonly part: RedisPart;

  constructor(part: RedisPart, message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}
