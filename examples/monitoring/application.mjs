/**
 * The application: takes the readings of all agents, raises alerts, publishes both, and serves one address for everything: page, HTTP API
 * with its documentation, and the feed, which it passes on to the broker.
 */
import { readFileSync } from 'node:fs';
import { buildPage } from '../shared/page.mjs';
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { Fleet } from './fleet.mjs';
import { alertMessage, metricsUpdate } from './messages.mjs';
import { orEnd, settingsFrom } from './settings.mjs';
import { createWebServer } from './web-server.mjs';

const CHANNEL = 'cache-monitor';
/** Who has become silent is looked for so often. */
const LOOK_MS = 500;

const names = ['APP_ID', 'APP_KEY', 'APP_SECRET', 'AGENT_TOKEN', 'BROKER_PORT', 'PAGE_PORT'];
const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret, AGENT_TOKEN: agentToken, ...ports } = variablesOf(...names);
const { BROKER_HOST = '127.0.0.1', BROKER_SCHEME = 'http', LISTEN_HOST = '127.0.0.1' } = process.env;
const { TLS_CERT_FILE, TLS_KEY_FILE, TOKEN_KEY_FILE } = process.env;
const { intervalMs, ...settings } = orEnd(() => settingsFrom(process.env));
const fleet = new Fleet(settings);
const publisher = new Publisher({ appId, key, secret });

/** An alert is told at once, not with the next reading. */
async function tellAlerts(news) {
  for (const item of news) await publisher.trigger(CHANNEL, item.kind, alertMessage(item));
}

const server = await createWebServer({
  fleet,
  agentToken,
  brokerUrl: `${BROKER_SCHEME}://${BROKER_HOST}:${ports.BROKER_PORT}`,
  isBrokerAway: () => publisher.isAway,
  onNews: tellAlerts,
  tls: TLS_CERT_FILE && TLS_KEY_FILE ? { cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE) } : null,
  tokenKey: TOKEN_KEY_FILE && readFileSync(TOKEN_KEY_FILE),
  page: await buildPage(new URL('.', import.meta.url)),
});
await server.listen({ host: LISTEN_HOST, port: Number(ports.PAGE_PORT) });

setInterval(() => void tellAlerts(fleet.findSilent(Date.now())), LOOK_MS);
every(intervalMs, async () => {
  if (fleet.names.length === 0) return;
  fleet.remember(Date.now());
  await publisher.trigger(CHANNEL, 'metrics_update', metricsUpdate(fleet.metrics));
});

const limits = settings.limits.map(({ label, limit }) => `${label} ${limit} %`).join(', ');
process.stdout.write(`Readings go to all readers every ${intervalMs / 1000} s. Alerts: ${limits}.\n`);
