import type { AppCredentials } from '../load/address.ts';
import type { Contender } from './contender.ts';

/**
 * A server that somebody else started: there are no figures of its CPU time or memory.
 *
 * @param url - `http://host:port`, or https
 */
export function serverAt(name: string, url: URL, app: AppCredentials): Contender {
  const isTls = url.protocol === 'https:';
  const address = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isTls ? 443 : 80)),
    app,
    ca: isTls ? '' : undefined,
  };
  return {
    name,
    version: url.origin,
    isForeign: true,
    // By TLS it would be compared with servers that have none.
    has: (need) => need === (isTls ? 'tls' : 'plain'),
    start: async () => ({ address, pid: undefined, stop: async () => {} }),
  };
}
