import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aroundApache, startApache } from './apache.ts';
import { aroundCaddy, startCaddy } from './caddy.ts';
import { startHaproxy } from './haproxy.ts';
import { aroundNginx, startNginx } from './nginx.ts';
import { blockOf } from './page-blocks.ts';
import type { ProxyPlace, ProxyProcess, Site } from './proxy-process.ts';
import { Authority } from './tls.ts';

const OPERATING = 'docs/operating.md';
const SCALING = 'docs/scaling.md';
const BALANCERS = 'Stopping and load balancers';
/** Addresses of brokers and files of certificates in the blocks. */
const BROKER = '127.0.0.1:6001';
const NODES = ['10.0.0.11:6001', '10.0.0.12:6001'];
const CERTIFICATES = '/etc/letsencrypt/live/ws.example.com';

const START = { nginx: startNginx, caddy: startCaddy, haproxy: startHaproxy, apache: startApache };

/** A proxy that ends TLS, as a block of the documentation sets it up: what the page says is what runs. */
export interface DocumentedProxy {
  readonly program: keyof typeof START;
  /** `wsPath` of clients. */
  readonly wsPath?: string;
  /** The text of the configuration file, with places of a test in those of the page. */
  config(place: ProxyPlace, brokerPorts: readonly number[]): string;
}

const ownHost = (place: ProxyPlace, broker: string): string =>
  fill(blockOf(OPERATING, 'nginx', 'nginx', 'server_name'), {
    'listen 443': `listen 127.0.0.1:${place.port}`,
    [CERTIFICATES]: place.folder,
    [BROKER]: broker,
  });

const haproxy = ({ port, folder }: ProxyPlace): string =>
  fill(blockOf(OPERATING, 'HAProxy', 'haproxy'), {
    'bind :443': `bind 127.0.0.1:${port}`,
    '/etc/haproxy/ws.example.com.pem': `${folder}/both.pem`,
  });

const LONE = {
  'nginx with a host name of its own': {
    program: 'nginx',
    config: (place, [broker]) => aroundNginx(ownHost(place, loopback(broker)), place),
  },
  'nginx below a path of an application': {
    program: 'nginx',
    wsPath: '/ws',
    config(place, [broker]) {
      const location = fill(blockOf(OPERATING, 'nginx', 'nginx', 'location /ws/'), { [BROKER]: loopback(broker) });
      return aroundLocation(`${location}location / { return 200 "the application"; }\n`, place);
    },
  },
  "nginx by Laravel's block for Reverb": {
    program: 'nginx',
    config(place, [broker]) {
      const location = blockOf(OPERATING, 'nginx', 'nginx', 'REMOTE_ADDR');
      return aroundLocation(fill(location, { '0.0.0.0:8080': loopback(broker) }), place);
    },
  },
  Caddy: {
    program: 'caddy',
    config(place, [broker]) {
      const { port, folder } = place;
      const site = fill(blockOf(OPERATING, 'Caddy', 'caddyfile'), {
        'ws.example.com {': `https://localhost:${port} {\nbind 127.0.0.1\ntls ${folder}/fullchain.pem ${folder}/privkey.pem`,
        [BROKER]: loopback(broker),
      });
      return aroundCaddy(site, place);
    },
  },
  HAProxy: {
    program: 'haproxy',
    config: (place, [broker]) => fill(haproxy(place), { [BROKER]: loopback(broker) }),
  },
  Apache: {
    program: 'apache',
    config(place, [broker]) {
      const [, ...modules] = blockOf(OPERATING, 'Apache', 'sh').trim().split(' ');
      const host = fill(blockOf(OPERATING, 'Apache', 'apache', 'VirtualHost'), {
        '*:443': `127.0.0.1:${place.port}`,
        [CERTIFICATES]: place.folder,
        [BROKER]: loopback(broker),
      });
      return aroundApache(blockOf(OPERATING, 'Apache', 'apache', 'MaxRequestWorkers') + host, modules, place);
    },
  },
} satisfies Record<string, DocumentedProxy>;

export type DocumentedName = keyof typeof LONE;

/** In front of a lone broker. */
export const DOCUMENTED: Readonly<Record<DocumentedName, DocumentedProxy>> = LONE;
export const DOCUMENTED_NAMES = Object.keys(LONE) as DocumentedName[];

/** In front of two nodes. */
export const DOCUMENTED_BALANCERS = {
  nginx: {
    program: 'nginx',
    config(place, nodes) {
      const upstream = fill(blockOf(SCALING, BALANCERS, 'nginx'), nodeAddresses(nodes));
      return aroundNginx(upstream + ownHost(place, 'kulkul'), place);
    },
  },
  HAProxy: {
    program: 'haproxy',
    config(place, nodes) {
      const [lone] = /^backend kulkul\n[\s\S]*/m.exec(haproxy(place)) ?? [];
      if (lone === undefined) throw new Error(`no backend in the block for HAProxy of ${OPERATING}`);
      const backend = fill(blockOf(SCALING, BALANCERS, 'haproxy'), nodeAddresses(nodes));
      return fill(haproxy(place), { [lone]: backend });
    },
  },
} satisfies Record<string, DocumentedProxy>;

export interface DocumentedOptions {
  /** What else is different in this test: from configuration file to configuration file. */
  readonly change?: (config: string) => string;
}

/**
 * @param path - of the program
 * @returns once it answers, on 127.0.0.1 as `localhost`
 */
export async function startDocumented(
  path: string,
  { program, config }: DocumentedProxy,
  brokerPorts: readonly number[],
  { change = (text) => text }: DocumentedOptions = {},
): Promise<ProxyProcess> {
  const { cert, key } = await (await Authority.create()).issue();
  const site: Site = {
    config(place) {
      writeFileSync(join(place.folder, 'fullchain.pem'), cert);
      writeFileSync(join(place.folder, 'privkey.pem'), key);
      writeFileSync(join(place.folder, 'both.pem'), cert + key);
      return change(config(place, brokerPorts));
    },
    isUp: async (port) => (await fetch(`https://localhost:${port}/`)).status > 0,
  };
  return START[program](path, site);
}

/** Has the configuration of a proxy cut what is silent for so many seconds; undefined: leaves it to the proxy. */
export function silenceOf(seconds: number | undefined): (config: string) => string {
  return (config) => {
    const [line] = /^.*\b(proxy_read_timeout|timeout tunnel|ProxyTimeout) \d+.*\n/m.exec(config) ?? [];
    if (seconds === undefined) return line === undefined ? config : fill(config, { [line]: '' });
    if (line === undefined) return fill(config, { 'http {': `http {\nproxy_read_timeout ${seconds}s;` });
    const changed = line.replace(/\d+/, String(seconds));
    // Apache takes the longer one of two.
    return fill(config, { [line]: line.includes('ProxyTimeout') ? `${changed}Timeout ${seconds}\n` : changed });
  };
}

/** @throws {Error} where the text has not all of the placeholders any more */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  let filled = text;
  for (const [placeholder, value] of Object.entries(values)) {
    if (!filled.includes(placeholder)) throw new Error(`no ${placeholder} in:\n${text}`);
    filled = filled.replaceAll(placeholder, () => value);
  }
  return filled;
}

function loopback(port: number | undefined): string {
  return `127.0.0.1:${port}`;
}

function nodeAddresses(ports: readonly number[]): Record<string, string> {
  return Object.fromEntries(NODES.map((address, index) => [address, loopback(ports[index])]));
}

/** A server of nginx with TLS around locations. */
function aroundLocation(locations: string, place: ProxyPlace): string {
  const { port, folder } = place;
  const certificates = `ssl_certificate ${folder}/fullchain.pem;\nssl_certificate_key ${folder}/privkey.pem;`;
  return aroundNginx(`server {\nlisten 127.0.0.1:${port} ssl;\n${certificates}\n${locations}}`, place);
}
