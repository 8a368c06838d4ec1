import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { loadConfig, type Settings } from '../../../server/config/index.ts';
import { CallLink } from '../../../server/workers/calls.ts';
import { WorkerHost } from '../../../server/workers/host.ts';
import { isBatch, type ToHost, WORKER_LAYOUT } from '../../../server/workers/messages.ts';
import { APP } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { freePort } from '../../support/free-port.ts';
import { COMMAND, temporaryFolder } from '../../support/process.ts';
import { RawClient } from '../../support/raw-client.ts';
import { fail } from './join-workers.ts';

const OTHER = { id: '2', key: 'other-key', secret: 'other-secret' };

function settingsWith(port: number, app: object): Settings {
  const config = join(temporaryFolder(), 'kulkul.json');
  const logged = { 'log.level': 'silent', 'log.format': 'json' };
  writeFileSync(config, JSON.stringify({ host: '127.0.0.1', port, ...logged, 'appManager.array.apps': [app] }));
  return loadConfig({ flags: { config }, env: {}, cwd: '/' }).settings;
}

// The apps of a reload were given to the directory that stands in while the worker loads its parts, and lost with it.
test('a worker that is told of other apps while it starts serves those', async () => {
  const port = await freePort();
  const host = new WorkerHost(new FakeClock());
  const child = fork(join(dirname(COMMAND), 'workers/worker-main.js'));
  onTestFinished(() => {
    child.kill('SIGKILL');
    host.close();
  });
  const { methods } = host.add({
    deliver: () => {},
    deliverCounted: async () => 0,
    report: () => {},
    wakeOutbox: () => {},
  });
  const link = new CallLink({
    post: (batch, sent) => child.send([...batch], () => sent()),
    methods,
    peer: 'the worker',
    failed: fail,
  });
  const listening = new Promise<void>((resolve, reject) => {
    child.on('message', (report: ToHost) => {
      if (isBatch(report)) link.receive(report);
      else if (report.kind === 'listening') resolve();
      else if (report.kind === 'failed') reject(new Error(report.message));
    });
  });
  const start = {
    kind: 'start',
    layout: WORKER_LAYOUT,
    worker: 1,
    settings: settingsWith(port, APP),
    areStarted: true,
    isTerminal: false,
  };
  child.send(start);
  link.tell('replaceApps', [settingsWith(port, OTHER)]);
  await listening;
  const client = await RawClient.connect(`ws://127.0.0.1:${port}`, { key: OTHER.key });
  await client.close();
});
