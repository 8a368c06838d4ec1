import { BlockList, isIP } from 'node:net';

/** What is not reachable over the internet. @see IANA, "IPv4 Special-Purpose Address Registry" */
const PRIVATE_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Before an IPv4 address that is written as one of IPv6: RFC 4291, and RFC 6052, for networks without IPv4. */
const EMBEDDING = ['::ffff:', '64:ff9b::'];
/** All others are private. */
const GLOBAL_IPV6 = ['2000::/3', ...EMBEDDING.map((prefix) => `${prefix}0.0.0.0/96`)];
/** Reserved among them, and tunnels to IPv4. @see IANA, "IPv6 Special-Purpose Address Registry" */
const PRIVATE_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', ...EMBEDDING.flatMap(embedded)];

const privateIpv4 = networks('ipv4', PRIVATE_IPV4);
const globalIpv6 = networks('ipv6', GLOBAL_IPV6);
const privateIpv6 = networks('ipv6', PRIVATE_IPV6);

/**
 * Whether an address is not one of the internet: loopback, of a private network, link-local, multicast, reserved. So is what can't be read.
 *
 * @param address - of either family, as text
 */
export function isPrivateAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return privateIpv4.check(address, 'ipv4');
    case 6:
      return !globalIpv6.check(address, 'ipv6') || privateIpv6.check(address, 'ipv6');
    default:
      return true;
  }
}

function embedded(prefix: string): string[] {
  return PRIVATE_IPV4.map((network) => {
    const [address, length] = network.split('/');
    return `${prefix}${address}/${96 + Number(length)}`;
  });
}

function networks(family: 'ipv4' | 'ipv6', texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', length] = text.split('/');
    list.addSubnet(address, Number(length), family);
  }
  return list;
}
