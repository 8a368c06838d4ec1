/** What a worker runs: a node that is joined to the others by the main process, which started this one. */

import { SeamUnavailable } from '../../channels/broker.ts';
import type { RateLimits } from '../../channels/rate-limits.ts';
import { nodeFleet } from '../admin/fleet.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import { createAppDirectory, useSettings } from '../apps/create-app-directory.ts';
import { ListedApps } from '../apps/listed-apps.ts';
import { createApps } from '../config/app-from-config.ts';
import type { Settings } from '../config/index.ts';
import { createLog, type Logger, openStandardOutput } from '../log.ts';
import type { Server } from '../server.ts';
import { processUsage, type Usage } from '../usage.ts';
import { keepYoungHeap } from '../young-heap.ts';
import { CallLink, local, remote } from './calls.ts';
import {
  FLEET_CALLS,
  HOST_CALLS,
  type HostMethods,
  isBatch,
  type ToHost,
  type ToWorker,
  WORKER_LAYOUT,
  type WorkerMethods,
  type WorkerStart,
} from './messages.ts';
import { createWorkerSeams, SeamsInbox } from './worker-seams.ts';

const EXIT_FAILURE = 1;
/** How often the main process hears what passed the rate limits here. */
const RATES_INTERVAL_MS = 100;

let server: Server | undefined;
let directory: AppDirectory = new ListedApps([]);
/** Settings with other apps than at the start. They may come before there is a directory that could take them. */
let renewed: Settings | undefined;
let log: Logger | undefined;
const inbox = new SeamsInbox();

const methods: WorkerMethods = {
  ...local(() => nodeFleet(startedServer()), FLEET_CALLS),
  deliver: (message) => inbox.deliver(message),
  deliverCounted: (message) => inbox.deliverCounted(message),
  reportEdge: (edge) => inbox.reportEdge(edge),
  wakeOutbox: () => inbox.wakeOutbox(),
  processUsage: () => processUsage(server?.node),
  status(areStarted, usage) {
    otherWorkers.areStarted = areStarted;
    otherWorkers.latestUsage = usage;
  },
  takeRates(uses) {
    for (const use of uses) {
      const app = directory.known(use.appId);
      if (app) server?.node.rateLimits.takeElsewhere(app, use);
    }
  },
  replaceApps(settings) {
    renewed = settings;
    useSettings(directory, renewed);
  },
  refreshApps: () => server?.refreshApps(),
  stopListening({ how, hasClients }) {
    if (!server) process.exit();
    return server.stopListening(how, hasClients);
  },
  part: ({ how }) => server?.part(how),
  end: () => void server?.stop().then(() => process.exit()),
};
const link = new CallLink({
  post: (batch, sent) => send(batch, sent),
  methods,
  peer: 'the main process',
  failed(error, during) {
    log?.error({ err: error, during }, 'unexpected failure');
    return new Error(`a worker failed: ${error instanceof Error ? error.message : String(error)}`);
  },
  answersFirst: true,
});
const host = remote<HostMethods, typeof HOST_CALLS>(link, HOST_CALLS);
/** The other workers, as the main process tells of them. */
const otherWorkers = { areStarted: false, latestUsage: undefined as Usage | undefined, usage: host.usage };

// Signals are for the main process, and reach this one too when they come from a terminal.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
// Without the main process nobody would end this one, or start another.
process.on('disconnect', () => process.exit(EXIT_FAILURE));
process.on('message', (message) => {
  const said = message as ToWorker;
  if (isBatch(said)) link.receive(said);
  else void start(said);
});

function startedServer(): Server {
  if (!server) throw new SeamUnavailable('this worker is not started');
  return server;
}

async function start({ layout, worker, settings, areStarted, isTerminal }: WorkerStart): Promise<void> {
  if (layout !== WORKER_LAYOUT) {
    const message = `another version of Kulkul is installed than the one that runs (its messages have layout ${layout}, those of this worker ${WORKER_LAYOUT}): restart the broker`;
    send({ kind: 'failed', name: 'WorkerLayoutError', message, stack: undefined }, () => process.exit(EXIT_FAILURE));
    return;
  }
  log = (await createLog(settings.log, openStandardOutput(), isTerminal)).child({ worker });
  failOnUnexpected(log);
  const apps = createApps(settings);
  otherWorkers.areStarted = areStarted;
  try {
    // Loaded late: the native module fails to load where it has no binary, and the main process has words for that.
    const { startServer } = await import('../server.ts');
    keepYoungHeap();
    const isInUse = (appId: string): boolean => server?.node.hasConnections(appId) ?? false;
    directory = await createAppDirectory({ settings, apps, log, isInUse });
    if (renewed) useSettings(directory, renewed);
    const webhooksOf = (appId: string) => directory.known(appId)?.webhooks;
    // With Redis a worker is a node like any other, and what joins it to those of other machines joins it to the other workers.
    const isLocal = settings.adapter.driver === 'local';
    server = await startServer({ settings, apps }, log, {
      ...(isLocal && { createSeams: (onEdge) => createWorkerSeams(link, inbox, { webhooksOf, onEdge }) }),
      otherWorkers,
      worker,
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
    if (uses.length > 0) host.shareRates(uses);
  }, RATES_INTERVAL_MS).unref();
}

/** @returns false when so much waits that more should not be sent */
function send(report: ToHost, sent = (): void => {}): boolean {
  return process.send?.(report, undefined, undefined, () => sent()) ?? false;
}

/** A process in an unknown state must end; the main process starts another. */
function failOnUnexpected(log: Logger): void {
  const onFailure = (error: unknown): void => {
    log.fatal({ err: error }, 'unexpected failure: this is a bug, please report it');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', onFailure);
  // A rejected promise that nobody handled: a bug to look into, but no reason to drop every client.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected failure'));
}
