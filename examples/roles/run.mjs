import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Backend from 'pusher';
import Pusher from 'pusher-js';

/** Three users with tokens of different roles ask for the same channels. The broker alone decides. */

const KULKUL = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('kulkul.json', import.meta.url));
const APP = { appId: 'rvm', key: 'rvm-key', secret: 'development-secret-do-not-deploy' };
const DASHBOARD = 'private-admin-dashboard';

if (!existsSync(KULKUL)) {
  process.stderr.write('dist/ is missing: run `npm install` (or `npm run build`) first.\n');
  process.exit(1);
}
const broker = spawn(process.execPath, [KULKUL, 'start', '--config', CONFIG, '--port', process.env.PORT ?? '6001'], {
  env: { ...process.env, KULKUL_LOG_FORMAT: 'json' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise((resolve) => broker.once('close', resolve));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => broker.kill('SIGTERM'));
void ended.then(() => process.exit(process.exitCode ?? 1));
const port = await listening();

const visitor = connect('viewer', tokenFor('7', 'viewer', '1h'));
await subscribe(visitor, 'rvm-status');
await subscribe(visitor, DASHBOARD);
await subscribe(visitor, 'private-user.7');
await subscribe(visitor, 'private-user.42');

const operator = connect('operator', tokenFor('42', 'operator', '1h'));
await subscribe(operator, DASHBOARD);

// A shift that is over in a moment: what the token opened ends with it.
const technician = connect('technician', tokenFor('9', 'technician', '5s'));
const shiftOver = new Promise((resolve) => {
  technician.pusher.subscribe(DASHBOARD).bind('pusher:subscription_error', resolve);
});
await subscribe(technician, DASHBOARD);
await shiftOver;

await new Backend({ ...APP, host: '127.0.0.1', port: `${port}`, useTLS: false }).trigger(DASHBOARD, 'rvm.opened', {
  machine: 7,
});
await operator.heard;

for (const { pusher } of [visitor, operator, technician]) pusher.disconnect();
process.exitCode = 0;
broker.kill('SIGTERM');

/** The port, once the broker listens. */
async function listening() {
  for await (const line of createInterface({ input: broker.stdout })) {
    const { msg, port: bound } = line.startsWith('{') ? JSON.parse(line) : {};
    if (msg === 'listening') {
      broker.stdout.resume();
      return bound;
    }
  }
  return ended;
}

function tokenFor(sub, role, ttl) {
  const args = ['token', '--config', CONFIG, '--app', APP.key, '--sub', sub, '--role', role, '--ttl', ttl];
  return execFileSync(process.execPath, [KULKUL, ...args], { encoding: 'utf8' }).trim();
}

/** A user of the dashboard, as in a browser: the token is all that it has. */
function connect(name, token) {
  const pusher = new Pusher(APP.key, {
    cluster: 'mt1',
    wsHost: '127.0.0.1',
    wsPort: port,
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: token }) },
  });
  const heard = new Promise((resolve) => pusher.bind('rvm.opened', resolve));
  pusher.bind('rvm.opened', ({ machine }) => say(name, `heard that machine ${machine} was opened`));
  return { name, pusher, heard };
}

/** Resolves when the broker has decided. */
function subscribe({ name, pusher }, channelName) {
  const channel = pusher.subscribe(channelName);
  return new Promise((resolve) => {
    channel.bind('pusher:subscription_succeeded', () => resolve(say(name, `admitted to ${channelName}`)));
    channel.bind('pusher:subscription_error', ({ status, error }) => resolve(say(name, `${status} ${error}`)));
  });
}

function say(name, text) {
  process.stdout.write(`${name.padEnd(10)}  ${text}\n`);
}
