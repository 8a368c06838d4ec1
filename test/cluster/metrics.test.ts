import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { metricNames } from '../../server/metrics/text-format.ts';
import { call, read } from '../support/api-client.ts';
import { APP } from '../support/broker.ts';
import type { BrokerProcess } from '../support/process.ts';
import { Prometheus } from '../support/prometheus.ts';
import { until, untilEqual } from '../support/until.ts';
import { WebhookTarget } from '../support/webhook-target.ts';
import { Cluster } from './cluster.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/observability/', import.meta.url));
const BOARD = JSON.parse(readFileSync(join(FOLDER, 'grafana-board.json'), 'utf8')) as {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
};
const BOARD_QUERIES = BOARD.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** As boards for Soketi ask. */
const SOKETI_QUERIES = [
  'sum(soketi_connected)',
  'sum by (app_id) (soketi_connected)',
  'sum by (port) (rate(soketi_new_connections_total[5s]))',
  'sum(rate(soketi_new_disconnections_total{app_id=~".+"}[5s]))',
  'rate(soketi_socket_received_bytes[5s])',
  'rate(soketi_socket_transmitted_bytes[5s])',
  'sum(irate(soketi_ws_messages_received_total[5s])) by (app_id)',
  'sum(irate(soketi_ws_messages_sent_total[5s])) by (app_id)',
  'rate(soketi_http_received_bytes[5s])',
  'rate(soketi_http_transmitted_bytes[5s])',
  'sum(increase(soketi_http_calls_received_total[5s]))',
  'histogram_quantile(0.95, sum(rate(soketi_horizontal_adapter_resolve_time_bucket[5s])) by (le))',
  'sum(rate(soketi_horizontal_adapter_sent_requests[5s]))',
  'soketi_process_resident_memory_bytes',
  'rate(soketi_process_cpu_seconds_total[5s])',
  'soketi_nodejs_eventloop_lag_p99_seconds',
  'soketi_nodejs_heap_size_used_bytes / soketi_nodejs_heap_size_total_bytes',
];

let target: WebhookTarget;
let cluster: Cluster;
let prometheus: Prometheus;
beforeAll(async () => {
  target = await WebhookTarget.start();
  cluster = await Cluster.start({
    settings: { 'metrics.enabled': true, 'metrics.host': '127.0.0.1', 'metrics.port': 0, 'webhooks.graceSeconds': 0 },
    apps: [
      {
        ...APP,
        enableClientMessages: true,
        maxReadRequestsPerSecond: 1,
        webhooks: [{ url: target.url, event_types: ['channel_occupied'] }],
      },
    ],
  });
  const targets = await Promise.all(cluster.nodes.map(({ broker }) => metricsAddress(broker)));
  prometheus = await Prometheus.start(inject('prometheus'), targets);
});
afterAll(async () => {
  await Promise.all([prometheus?.stop(), cluster?.stop(), target?.stop()]);
});

/** Where a broker says that its metrics are, once it has started to serve them. */
async function metricsAddress({ log }: BrokerProcess): Promise<string> {
  const line = () => log.find(({ msg }) => msg === 'metrics');
  await until(() => line() !== undefined);
  return new URL(String(line()?.url)).host;
}

/** What Grafana puts in place of its variables. */
function filledIn(query: string): string {
  return query.replaceAll('$__rate_interval', '5s').replace(/\$(app|instance)\b/g, '.*');
}

/** Something of everything that can happen, on all nodes. */
async function useAll(): Promise<void> {
  for (const [index, node] of cluster.nodes.entries()) {
    const client = await node.connect();
    await client.subscribed('private-news');
    await client.subscribed(`cache-empty-${index}`);
    await node.publish('private-news', 'new', 'text');
    client.send({ event: 'client-typing', channel: 'private-news', data: {} });
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-other', auth: 'wrong' } });
    await read(node.url, '/channels').catch(() => {});
    await read(node.url, '/channels').catch(() => {});
    await client.flush();
    await client.close();
    const ended = await node.connect();
    ended.signIn(JSON.stringify({ id: `user-${index}` }));
    await ended.next('pusher:signin_success');
    await call(node.url, 'POST', `/apps/${APP.id}/users/user-${index}/terminate_connections`, { body: {} });
    await ended.closed();
    const staying = await node.connect();
    await staying.subscribed('private-news');
  }
}

/** Those that Prometheus has nothing to answer. */
async function unanswered(queries: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(queries.map((query) => prometheus.query(query)));
  return queries.filter((_, index) => answers[index]?.length === 0);
}

test('every query of the board, and of boards for Soketi, is answered by Prometheus with data of three nodes', async () => {
  await useAll();
  await until(async () => (await unanswered(['kulkul_http_requests_total'])).length === 0);
  await useAll();
  // The certificate is that of TLS, without which there is none: test/server/metrics/door.test.ts.
  const queries = [...BOARD_QUERIES.filter((query) => !query.includes('certificate')), ...SOKETI_QUERIES];
  await untilEqual(() => unanswered(queries.map(filledIn)), []);
  expect(await prometheus.query('count(kulkul_info{driver="redis"})')).toMatchObject([
    { value: [expect.anything(), '3'] },
  ]);
  // The last scrape of a node may be of before.
  await untilEqual(async () => (await prometheus.query('sum(kulkul_connections)')).map(({ value }) => value[1]), ['6']);
  expect(await prometheus.query('count(kulkul_broker_lag_seconds_count > 0)')).toMatchObject([
    { value: [expect.anything(), '3'] },
  ]);
  const attempts = await prometheus.query('sum by (target) (kulkul_webhook_requests_total{outcome="accepted"})');
  expect(attempts.map(({ metric }) => metric.target?.startsWith(`${new URL(target.url).host} `))).toEqual([true]);
});

test('promtool finds nothing wrong with the alert rules, and each names metrics that there are', () => {
  const promtool = join(dirname(inject('prometheus')), 'promtool');
  const file = join(FOLDER, 'alerts.yaml');
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', file], { encoding: 'utf8' });
  expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
  const names = new Set(metricNames('soketi_'));
  const used = [
    ...readFileSync(file, 'utf8').matchAll(/\bkulkul_\w+/g),
    ...BOARD_QUERIES.join(' ').matchAll(/\bkulkul_\w+/g),
  ];
  const unknown = used.map(([name]) => name.replace(/_bucket$/, '')).filter((name) => !names.has(name));
  expect(unknown).toEqual([]);
});
