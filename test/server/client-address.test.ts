import { describe, expect, test } from 'vitest';
import { addressKey, parseNetwork, TrustedAddresses } from '../../server/client-address.ts';

const bytesOf = (digits: string): ArrayBuffer => new Uint8Array(Buffer.from(digits, 'hex')).buffer;

describe('the key of an address', () => {
  test.for([
    ['of IPv4 is the address', '7f000001', '7f000001'],
    ['of IPv4 written as IPv6 is the same', '00000000000000000000ffff7f000001', '7f000001'],
    ['of IPv6 is its network', '20010db8000100020003000400050006', '20010db800010002'],
    ['of loopback is its network', '00000000000000000000000000000001', '0000000000000000'],
    ['of a socket that is closed is empty', '', ''],
  ])('%s', ([, digits = '', key]) => {
    expect(addressKey(bytesOf(digits))).toBe(key);
  });
});

describe('the client behind trusted proxies', () => {
  const trusted = new TrustedAddresses(['10.0.0.0/8', '127.0.0.1', '2001:db8:aaaa::/48']);

  test.for([
    ['is the last address that is none of theirs', ['1.2.3.4, 10.0.0.1'], '01020304'],
    ['is not what the client itself has sent', ['9.9.9.9, 1.2.3.4, 10.0.0.1'], '01020304'],
    ['is in the last header of several', ['9.9.9.9', '1.2.3.4'], '01020304'],
    ['may have a port', ['1.2.3.4:5678'], '01020304'],
    ['may have brackets', ['[2001:db8::1]:5678'], '20010db800000000'],
    ['may be short', ['2001:db8:1:2::1'], '20010db800010002'],
    ['may be long', ['2001:0DB8:0001:0002:0003:0004:0005:0006'], '20010db800010002'],
    ['may be IPv4 in IPv6', ['::ffff:1.2.3.4'], '01020304'],
    ['may be IPv4 in IPv6, in digits', ['::ffff:0102:0304'], '01020304'],
    ['comes through a proxy of IPv6', ['1.2.3.4, 2001:db8:aaaa::5'], '01020304'],
    ['comes through a proxy of IPv4 in IPv6', ['1.2.3.4, ::ffff:10.0.0.1'], '01020304'],
    ['is not told by the proxies themselves', ['10.0.0.2, 10.0.0.1'], undefined],
    ['is not told by nothing', [], undefined],
    ['is not told by nonsense', ['unknown'], undefined],
    ['is not told by open brackets', ['[1.2.3.4'], undefined],
  ] as const)('%s', ([, values, key]) => {
    expect(trusted.clientBehind(values)).toBe(key);
  });
});

test('a list has its addresses however they are written', () => {
  const trusted = new TrustedAddresses(['10.0.0.0/8', '2001:db8::/32']);
  for (const text of ['10.1.2.3', '::ffff:10.1.2.3', '0000:0000:0000:0000:0000:ffff:0a01:0203', '2001:DB8::1']) {
    expect(trusted.has(text)).toBe(true);
  }
  for (const text of ['11.1.2.3', '::ffff:11.1.2.3', '2001:db9::1', '', 'unknown'])
    expect(trusted.has(text)).toBe(false);
  expect(new TrustedAddresses([]).has('10.1.2.3')).toBe(false);
});

test('lists take addresses and networks of both families, and nothing else', () => {
  for (const text of ['1.2.3.4', '10.0.0.0/8', '::1', '2001:db8::/32', '0.0.0.0/0']) {
    expect(parseNetwork(text)).toBeDefined();
  }
  for (const text of [
    '',
    'proxy.example',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '::1/129',
    '1.2.3.4/-1',
    '::/x',
  ]) {
    expect(parseNetwork(text)).toBeUndefined();
  }
});
