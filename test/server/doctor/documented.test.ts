import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAULTS } from '../../../server/doctor/finding.ts';
import { type ProxyName, proxyBlock, proxyNamed } from '../../../server/doctor/proxy-blocks.ts';
import { blockOf } from '../../support/page-blocks.ts';

const PLACE = { host: 'ws.example.com', broker: '127.0.0.1:6001', prefix: '' };

test('docs/command-line.md lists every fault that is found, and no other', () => {
  const page = readFileSync(new URL('../../../docs/command-line.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('### What it finds'));
  const listed = [...section.matchAll(/^\| `([a-z0-9.-]+)` \|/gm)].map(([, id]) => id);
  expect(listed.toSorted()).toEqual(Object.keys(FAULTS).toSorted());
});

test.each<[ProxyName, string, string, string]>([
  ['nginx', 'nginx', 'nginx', 'server_name'],
  ['caddy', 'Caddy', 'caddyfile', ''],
  ['haproxy', 'HAProxy', 'haproxy', ''],
  ['traefik', 'Traefik', 'yaml', ''],
])('what is printed for %s is what docs/operating.md says, which is tested', (proxy, heading, language, holding) => {
  expect(proxyBlock(proxy, PLACE)).toBe(blockOf('docs/operating.md', heading, language, holding));
});

test('below a prefix, the block of each proxy takes it away', () => {
  const below = { ...PLACE, prefix: '/ws' };
  expect(proxyBlock('nginx', below)).toBe(blockOf('docs/operating.md', 'nginx', 'nginx', 'location /ws/'));
  expect(proxyBlock('caddy', below)).toContain('handle_path /ws/* {');
  expect(proxyBlock('haproxy', below)).toContain('http-request replace-path /ws(/.*) \\1');
  expect(proxyBlock('traefik', below)).toContain('stripPrefix:\n        prefixes: ["/ws"]');
});

test('nginx and Caddy are known by what they call themselves', () => {
  expect(['nginx/1.22.1', 'openresty', 'Caddy', 'Apache', undefined].map(proxyNamed)).toEqual([
    'nginx',
    'nginx',
    'caddy',
    undefined,
    undefined,
  ]);
});
