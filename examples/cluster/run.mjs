import { spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nginxConfig } from './nginx-config.mjs';

/** What docker-compose.yml describes, as processes of this machine. Ctrl-C stops all. */

const KULKUL = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('kulkul.json', import.meta.url));
const PORT = Number(process.env.PORT ?? 6001);

const folder = mkdtempSync(join(tmpdir(), 'kulkul-cluster-'));
// Started by root, nginx serves as another user, who puts large request bodies there.
chmodSync(folder, 0o711);
/** In the order in which they are started; stopped in the reverse one. */
const running = [];
let isStopping = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));
const paths = { redis: find('redis-server', 'redis-server'), nginx: find('nginx', 'nginx') };
if (!isExecutable(KULKUL, constants.R_OK)) fail('dist/ is missing: run `npm install` (or `npm run build`) first.');
if (!paths.redis || !paths.nginx) process.exit(1);
if (PORT !== 0 && !(await isFree(PORT)))
  fail(`Port ${PORT} is taken: stop what listens there, or choose another: PORT=8080`);

const [redisPort, ...nodePorts] = await freePorts(3);
const port = PORT === 0 ? (await freePorts(1))[0] : PORT;

start('redis', paths.redis, [
  '--port',
  `${redisPort}`,
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--appendonly',
  'no',
  '--dir',
  folder,
]);
// A node waits for Redis by itself.
for (const [index, nodePort] of nodePorts.entries()) {
  start(
    `kulkul-${index + 1}`,
    process.execPath,
    [KULKUL, 'start', '--config', CONFIG, '--host', '127.0.0.1', '--port', `${nodePort}`],
    {
      KULKUL_DATABASE_REDIS_HOST: '127.0.0.1',
      KULKUL_DATABASE_REDIS_PORT: `${redisPort}`,
      KULKUL_LOG_FORMAT: 'json',
    },
  );
}
for (const nodePort of nodePorts) await isReady(nodePort);
const configFile = join(folder, 'nginx.conf');
writeFileSync(configFile, nginxConfig({ port, nodePorts, folder }));
start('nginx', paths.nginx, ['-p', folder, '-c', configFile, '-e', 'stderr', '-g', 'daemon off;']);
await isReady(port);

if (!isStopping) process.stdout.write(summary());

function summary() {
  return `
Two nodes of Kulkul behind nginx, joined by Redis:

  clients and backends   http://127.0.0.1:${port}   app 12345, key scada_dashboard_key_2024
  node 1                 http://127.0.0.1:${nodePorts[0]}   process ${pidOf('kulkul-1')}
  node 2                 http://127.0.0.1:${nodePorts[1]}   process ${pidOf('kulkul-2')}

  KULKUL_PORT=${port} node examples/quickstart/subscribe.mjs
  KULKUL_PORT=${port} node examples/quickstart/trigger.mjs

Ctrl-C stops all.
`;
}

/** The output of all goes to standard error, each line with the name. */
function start(name, path, args, env = {}) {
  const child = spawn(path, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream
      .setEncoding('utf8')
      .on('data', (text) => process.stderr.write(text.replace(/^(?=.)/gm, `${name.padEnd(9)} `)));
  }
  const exited = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  running.push({ name, child, exited });
  void exited.then(() => {
    if (isStopping) return;
    process.stderr.write(
      `${name} ended: ${name.startsWith('kulkul') ? 'the other node goes on. Ctrl-C, and start again.' : 'stopping.'}\n`,
    );
    if (!name.startsWith('kulkul')) void stop(1);
  });
}

async function stop(code) {
  if (isStopping) return;
  isStopping = true;
  for (const { child, exited } of running.reverse()) {
    child.kill('SIGTERM');
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

async function isReady(ofPort) {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${ofPort}/ready`).catch(() => undefined);
    if (answer?.ok || isStopping) return;
    await setTimeout(50);
  }
}

function pidOf(name) {
  return running.find((each) => each.name === name)?.child.pid;
}

function find(command, debianPackage) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const path = folders.map((each) => join(each, command)).find((each) => isExecutable(each, constants.X_OK));
  if (!path)
    process.stderr.write(`${command} is missing: put it on the PATH; on Debian: apt-get install ${debianPackage}\n`);
  return path;
}

function isExecutable(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function isFree(ofPort) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(ofPort, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Ports that nobody listens on, all open at a time so that they differ. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  rmSync(folder, { recursive: true, force: true });
  process.exit(1);
}
