/** What a worker runs: a node that is joined to the others by the main process, which started this one. */
import '../young-heap.ts';

import type { RateLimits } from '../../channels/rate-limits.ts';
import { NodeFleet } from '../admin/fleet.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import { createAppDirectory, useSettings } from '../apps/create-app-directory.ts';
import { ListedApps } from '../apps/listed-apps.ts';
import { createApps } from '../config/app-from-config.ts';
import type { Settings } from '../config/index.ts';
import { createLog, type Logger, openStandardOutput } from '../log.ts';
import type { Server } from '../server.ts';
import { processUsage } from '../usage.ts';
import { isBatch, WORKER_LAYOUT, type WorkerCommand, type WorkerReport, type WorkerStart } from './control.ts';
import { HostLink } from './host-link.ts';
import { answerCall } from './remote-fleet.ts';
import { WorkerSiblings } from './siblings.ts';
import { createWorkerSeams } from './worker-seams.ts';

const EXIT_FAILURE = 1;
/** How often the main process hears what passed the rate limits here. */
const RATES_INTERVAL_MS = 100;

const link = new HostLink((batch, sent) => send([...batch], sent));
const siblings = new WorkerSiblings((id) => send({ kind: 'usage', id }));
let server: Server | undefined;
let directory: AppDirectory = new ListedApps([]);
/** Settings with other apps than at the start. They may come before there is a directory that could take them. */
let renewed: Settings | undefined;

// Signals are for the main process, and reach this one too when they come from a terminal.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
// Without the main process nobody would end this one, or start another.
process.on('disconnect', () => process.exit(EXIT_FAILURE));
process.on('message', (message) => take(message as WorkerCommand));

function take(command: WorkerCommand): void {
  if (isBatch(command)) {
    link.receive(command);
    return;
  }
  switch (command.kind) {
    case 'start':
      void start(command);
      break;
    case 'report':
      send({ kind: 'report', id: command.id, usage: processUsage(server?.node) });
      break;
    case 'status':
      siblings.areStarted = command.areStarted;
      siblings.latestUsage = command.usage;
      break;
    case 'usage':
      siblings.answer(command.id, command.usage);
      break;
    case 'rates':
      for (const use of command.uses) {
        const app = directory.known(use.appId);
        if (app) server?.node.rateLimits.takeElsewhere(app, use);
      }
      break;
    case 'apps':
      renewed = command.settings;
      useSettings(directory, renewed);
      break;
    case 'refresh':
      server?.refreshApps();
      break;
    case 'call':
      void answerCall(server && new NodeFleet(server.node, server.readiness), command.call).then((answer) =>
        send({ kind: 'answer', id: command.id, answer }),
      );
      break;
    case 'stop-listening':
      if (!server) process.exit();
      void server.stopListening(command.how, command.hasClients).then(() => send({ kind: 'deaf' }));
      break;
    case 'part':
      void server?.part(command.how).then(() => send({ kind: 'parted' }));
      break;
    case 'end':
      void server?.stop().then(() => process.exit());
  }
}

async function start({ layout, worker, settings, areStarted, isTerminal }: WorkerStart): Promise<void> {
  if (layout !== WORKER_LAYOUT) {
    const message = `another version of Kulkul is installed than the one that runs (its messages have layout ${layout}, those of this worker ${WORKER_LAYOUT}): restart the broker`;
    send({ kind: 'failed', name: 'WorkerLayoutError', message, stack: undefined }, () => process.exit(EXIT_FAILURE));
    return;
  }
  const log = (await createLog(settings.log, openStandardOutput(), isTerminal)).child({ worker });
  failOnUnexpected(log);
  const apps = createApps(settings);
  siblings.areStarted = areStarted;
  try {
    // Loaded late: the native module fails to load where it has no binary, and the main process has words for that.
    const { startServer } = await import('../server.ts');
    const isInUse = (appId: string): boolean => server?.node.hasConnections(appId) ?? false;
    directory = await createAppDirectory({ settings, apps, log, isInUse });
    if (renewed) useSettings(directory, renewed);
    // With Redis a worker is a node like any other, and what joins it to those of other machines joins it to its siblings.
    const isLocal = settings.adapter.driver === 'local';
    server = await startServer({ settings, apps }, log, {
      ...(isLocal && { seams: createWorkerSeams(link) }),
      siblings,
      directory,
    });
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    send({ kind: 'failed', name, message, stack }, () => process.exit(EXIT_FAILURE));
    return;
  }
  // With Redis all nodes share their limits there.
  if (settings.adapter.driver === 'local') shareRates(server.node.rateLimits);
  send({ kind: 'listening' });
}

function shareRates(rateLimits: RateLimits): void {
  setInterval(() => {
    const uses = rateLimits.collect();
    if (uses.length > 0) send({ kind: 'rates', uses });
  }, RATES_INTERVAL_MS).unref();
}

/** @returns false when so much waits that more should not be sent */
function send(report: WorkerReport, sent = (): void => {}): boolean {
  return process.send?.(report, undefined, undefined, () => sent()) ?? false;
}

/** A process in an unknown state must end; the main process starts another. */
function failOnUnexpected(log: Logger): void {
  const onFailure = (error: unknown): void => {
    log.fatal({ err: error }, 'unexpected failure: this is a bug, please report it');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', onFailure);
  // Whatever was promised has failed by itself: a reason to look into, not to drop every client.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected failure'));
}
