import { BlockList, isIP, SocketAddress } from 'node:net';

/** Bytes before an IPv4 address that is written as one of IPv6. */
const MAPPED = '00000000000000000000ffff';
const HEX_OF_IPV4 = 8;
/** Whoever has one address of IPv6 has a whole network of them: the first 64 bits tell clients apart. */
const HEX_OF_NETWORK = 16;

/**
 * What limits go by: an IPv4 address, or the network (/64) of one of IPv6, in hexadecimal digits.
 *
 * @param bytes - 4 or 16 of them, as uWebSockets.js gives them; none of a socket that is closed
 */
export function addressKey(bytes: ArrayBuffer): string {
  const digits = Buffer.from(bytes).toString('hex');
  if (digits.startsWith(MAPPED)) return digits.slice(MAPPED.length);
  return digits.slice(0, digits.length === HEX_OF_IPV4 ? HEX_OF_IPV4 : HEX_OF_NETWORK);
}

/** Proxies, and whoever else limits are not for. */
export class TrustedAddresses {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @param entries - addresses, and networks as `10.0.0.0/8` or `2001:db8::/32` */
  constructor(entries: readonly string[]) {
    this.isEmpty = entries.length === 0;
    for (const entry of entries) {
      const { address, prefix, family } = parseNetwork(entry) ?? {};
      if (address !== undefined && prefix !== undefined && family !== undefined)
        this.#list.addSubnet(address, prefix, family);
    }
  }

  /** @param address - as text, of either family */
  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && !this.isEmpty && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }

  /**
   * The client behind proxies that are trusted: the last address that none of them has.
   *
   * @param forwardedFor - values of `X-Forwarded-For`, in their order
   * @returns its key; undefined where the proxies don't tell
   */
  clientBehind(forwardedFor: readonly string[]): string | undefined {
    const addresses = forwardedFor.join(',').split(',').map(withoutPort);
    const client = addresses.findLast((address) => !this.has(address));
    return client === undefined ? undefined : keyOfText(client);
  }
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.0.0.0/8`, or an address; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  if (length === '' || !Number.isInteger(prefix) || prefix < 0 || prefix > most) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Some proxies write `1.2.3.4:5678`, and `[2001:db8::1]:5678`. */
function withoutPort(text: string): string {
  const entry = text.trim();
  if (entry.startsWith('[')) return entry.slice(1, entry.indexOf(']'));
  const colon = entry.indexOf(':');
  return colon >= 0 && colon === entry.lastIndexOf(':') ? entry.slice(0, colon) : entry;
}

function keyOfText(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return Buffer.from(text.split('.').map(Number)).toString('hex');
  // In the form in which it is shortest. Without the zone of a link.
  const { address } = new SocketAddress({ address: text.split('%')[0] ?? '', family: 'ipv6' });
  const mapped = /^::ffff:([\d.]+)$/.exec(address)?.[1];
  if (mapped !== undefined) return keyOfText(mapped);
  const [head = '', tail] = address.split('::');
  const first = groupsOf(head);
  const last = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0000');
  return [...first, ...zeros, ...last].join('').slice(0, HEX_OF_NETWORK);
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').map((group) => group.padStart(4, '0'));
}

/** A host and a port for people, and for URLs: an IPv6 address goes in brackets. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether an address or name to listen on, or to connect to, is this machine's own and no other can reach it. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/i.test(host);
}

/** Addresses to listen on that are none to call. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** By which address this machine calls a program of its own that listens on `host`. */
export function callableHost(host: string): string {
  return ANY_ADDRESS[host] ?? host;
}
