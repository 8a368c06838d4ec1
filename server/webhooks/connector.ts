import { type LookupAddress, lookup as lookupName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import connectorOf from 'undici/lib/core/connect.js';
import { isPrivateAddress } from './private-address.ts';

/** Finds all addresses of a name. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true; readonly family?: number },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export const systemLookup: Lookup = lookupName;

/** The target is at an address that webhooks of this app may not call. */
export class PrivateTargetError extends Error {
  override readonly name = 'PrivateTargetError';

  constructor(hostname: string, address: string) {
    const what =
      hostname === address ? `${address} is a private address` : `${hostname} has the private address ${address}`;
    super(`${what}, which this app's webhooks may call only with webhooks.allowPrivateTargets`);
  }
}

/**
 * Opens the connections of webhooks that may not reach private addresses. The check is made on the address that is connected to: a name could have
 * another one each time that it is looked up.
 */
export function publicConnector(timeoutMs: number, lookup: Lookup): buildConnector.connector {
  const connect = connectorOf({ timeout: timeoutMs, lookup: publicLookup(lookup) });
  return (options, callback) => {
    const { hostname } = options;
    // Addresses are not looked up.
    if (isIP(hostname) !== 0 && isPrivateAddress(hostname)) callback(new PrivateTargetError(hostname, hostname), null);
    else connect(options, callback);
  };
}

function publicLookup(lookup: Lookup): LookupFunction {
  return (hostname, { all, family }, callback) => {
    const options = typeof family === 'number' ? { all: true as const, family } : { all: true as const };
    lookup(hostname, options, (error, addresses) => {
      const open = addresses?.filter(({ address }) => !isPrivateAddress(address)) ?? [];
      const [first] = open;
      if (first && all) callback(null, open);
      else if (first) callback(null, first.address, first.family);
      else callback(error ?? new PrivateTargetError(hostname, addresses[0]?.address ?? 'unknown'), []);
    });
  };
}
