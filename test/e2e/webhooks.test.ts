import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import PusherSdk from 'pusher';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, run, temporaryFolder } from '../support/process.ts';
import { until } from '../support/until.ts';
import { type ReceivedWebhook, WebhookTarget } from '../support/webhook-target.ts';
import { WorkersBroker } from '../support/workers.ts';
import type { Pusher } from './scenarios/pusher.ts';
import { Stage, subscribed } from './scenarios/stage.ts';

const ROOM = 'presence-room';
const USERS = ['ann', 'bob', 'cid', 'dan'];
/** Enough for a worker, or a broker, to be replaced on a machine that does other things meanwhile. */
const GRACE_SECONDS = 12;

interface Accepted {
  readonly name: string;
  readonly channel: string;
  readonly user_id?: string;
}

/** An application with the official SDK: what it accepts is written down, each event once. */
class Application {
  readonly target: WebhookTarget;
  readonly accepted: Accepted[] = [];
  /** Requests that the SDK takes for forged. */
  readonly forged: ReceivedWebhook[] = [];
  refused = 0;
  isUp = true;
  readonly #sdk = new PusherSdk({ appId: APP.id, key: APP.key, secret: APP.secret, cluster: 'mt1' });
  readonly #ids = new Set<string>();

  constructor(target: WebhookTarget) {
    this.target = target;
    target.respond = (response, request) => {
      if (this.isUp) this.#accept(request);
      else this.refused += 1;
      response.writeHead(this.isUp ? 200 : 503).end();
    };
  }

  untilAccepted(count: number): Promise<void> {
    return until(() => this.accepted.length >= count);
  }

  untilRefused(): Promise<void> {
    return until(() => this.refused > 0);
  }

  /** Of one channel, each as its name and its user. */
  of(channel: string): string[] {
    return this.accepted
      .filter((event) => event.channel === channel)
      .map(({ name, user_id }) => (user_id === undefined ? name : `${name} ${user_id}`));
  }

  #accept(request: ReceivedWebhook): void {
    const webhook = this.#sdk.webhook({ headers: request.headers, rawBody: request.body.toString() });
    if (!webhook.isValid()) this.forged.push(request);
    for (const [index, event] of webhook.getEvents().entries()) {
      const id = request.ids[index] ?? '';
      if (this.#ids.has(id)) continue;
      this.#ids.add(id);
      this.accepted.push(event as unknown as Accepted);
    }
  }
}

let application: Application;
let stages: Stage[];
let backends: Backend[];

beforeEach(async () => {
  application = new Application(await WebhookTarget.start());
  stages = [];
  backends = [];
});
afterEach(async () => {
  for (const stage of stages) stage.end();
  for (const backend of backends) await backend.stop();
  await application.target.stop();
});

function startWorkers(
  settings: Readonly<Record<string, unknown>> = {},
  port = 0,
  args: readonly string[] = [],
): Promise<WorkersBroker> {
  const event_types = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event'];
  const { enableClientMessages } = FULL_APP;
  const app = { ...APP, enableClientMessages, webhooks: [{ url: application.target.url, event_types }] };
  return WorkersBroker.start({
    apps: [app],
    port,
    args,
    settings: { 'webhooks.graceSeconds': GRACE_SECONDS, ...settings },
  });
}

async function stageOf(broker: BrokerProcess): Promise<Stage> {
  const backend = await Backend.start(broker);
  backends.push(backend);
  const stage = new Stage({
    key: APP.key,
    wsHost: '127.0.0.1',
    wsPort: broker.port,
    wssPort: broker.port,
    backendUrl: backend.url,
  });
  stages.push(stage);
  return stage;
}

/** A page of a user, which has entered the channels. */
async function page(stage: Stage, user: string, ...channels: string[]): Promise<Pusher> {
  const pusher = await stage.connected(user);
  for (const channel of channels) await subscribed(pusher, channel);
  return pusher;
}

/** What a room of these users tells: who is first is known, the order of the others is not. */
const beginning = (users: readonly string[]): string[] => [
  'channel_occupied',
  ...users.map((user) => `member_added ${user}`),
];

test('facts arrive once and in order, whichever worker is killed while the target is down', async () => {
  const workers = await startWorkers();
  const stage = await stageOf(workers.broker);
  application.isUp = false;
  const pages: Pusher[] = [];
  for (const user of USERS) pages.push(await page(stage, user, ROOM, `private-${user}`));
  const [ann, bob] = pages;
  // What a worker was sent and had not read is lost with it.
  const waved = new Promise((resolve) => bob?.channel(ROOM).bind('client-wave', resolve));
  ann?.channel(ROOM).trigger('client-wave', { to: 'all' });
  await waved;
  await application.untilRefused();

  // One of them works on the outbox, and after that another.
  for (const [index, worker] of [1, 2].entries()) {
    process.kill(workers.pid(worker), 'SIGKILL');
    await workers.broker.logged('worker started', 3 + index);
    // Who loses a second connection while it makes one waits for longer than it is missed.
    await until(() => pages.every(({ connection }) => connection.state === 'connected'));
  }
  application.isUp = true;
  await application.untilAccepted(2 * USERS.length + 2);
  expect(application.of(ROOM)).toEqual([...beginning(USERS), 'client_event ann']);
  for (const user of USERS) expect(application.of(`private-${user}`)).toEqual(['channel_occupied']);

  // Pages have come back by themselves by the time that these are told to be gone.
  for (const gone of pages.slice(2)) gone.disconnect();
  await application.untilAccepted(2 * USERS.length + 6);
  expect(application.of(ROOM).slice(-2).sort()).toEqual(['member_removed cid', 'member_removed dan']);
  expect(application.of('private-cid')).toEqual(['channel_occupied', 'channel_vacated']);
  expect(application.of('private-ann')).toEqual(['channel_occupied']);
  expect(application.accepted).toHaveLength(2 * USERS.length + 6);
  expect(application.forged).toEqual([]);
  await workers.broker.kill();
});

test('without a journal, what the target did not accept by the end is counted in the log', async () => {
  const { broker } = await startWorkers();
  const stage = await stageOf(broker);
  application.isUp = false;
  await page(stage, 'ann', ROOM);
  await application.untilRefused();
  broker.signal('SIGTERM');
  expect(await broker.exited).toMatchObject({ code: 0 });
  // Its ends too: nobody can come back.
  const lost = broker.log.filter(({ msg }) => String(msg).startsWith('events for webhooks are lost'));
  expect(lost).toMatchObject([{ level: 50, events: 4 }]);
});

describe('with a journal', () => {
  /** A broker with a page of each user. */
  async function startWithJournal(
    users: readonly string[],
    journal = join(temporaryFolder(), 'webhooks.journal'),
    port = 0,
  ) {
    const { broker } = await startWorkers({ 'webhooks.journal': journal }, port);
    const stage = await stageOf(broker);
    const pages: Pusher[] = [];
    for (const user of users) pages.push(await page(stage, user, ROOM, `private-${user}`));
    return { broker, stage, pages, journal };
  }

  test('nothing is lost when the whole broker is killed, and who comes back was never gone', async () => {
    application.isUp = false;
    const { broker, stage, journal } = await startWithJournal(USERS);
    await application.untilRefused();
    await broker.kill();
    stage.end();
    application.isUp = true;
    const next = await startWithJournal(USERS.slice(0, 2), journal, broker.port);
    await application.untilAccepted(2 * USERS.length + 5);
    expect(application.of(ROOM)).toEqual([...beginning(USERS), 'member_removed cid', 'member_removed dan']);
    expect(application.of('private-ann')).toEqual(['channel_occupied']);
    expect(application.of('private-cid')).toEqual(['channel_occupied', 'channel_vacated']);
    expect(application.forged).toEqual([]);
    await next.broker.kill();
  });

  test('a restart is no end for those who come back', async () => {
    const { broker, stage, journal } = await startWithJournal(['ann', 'bob']);
    await application.untilAccepted(5);
    broker.signal('SIGTERM');
    expect(await broker.exited).toMatchObject({ code: 0 });
    stage.end();
    const next = await startWithJournal(['ann'], journal, broker.port);
    await application.untilAccepted(7);
    expect(application.of(ROOM)).toEqual([...beginning(['ann', 'bob']), 'member_removed bob']);
    expect(application.of('private-ann')).toEqual(['channel_occupied']);
    expect(application.of('private-bob')).toEqual(['channel_occupied', 'channel_vacated']);
    await next.broker.kill();
  });

  test('a takeover is no end for those who move to the next process', async () => {
    const { broker } = await startWorkers(
      { 'webhooks.journal': join(temporaryFolder(), 'webhooks.journal') },
      await freePort(),
      ['--supervised'],
    );
    const stage = await stageOf(broker);
    const pages: Pusher[] = [];
    for (const user of ['ann', 'bob']) pages.push(await page(stage, user, ROOM, `private-${user}`));
    await application.untilAccepted(5);
    broker.signal('SIGUSR2');
    await broker.logged('takeover: the former broker has ended');
    await until(() => pages.every(({ connection }) => connection.state === 'connected'));
    pages[1]?.disconnect();
    await application.untilAccepted(7);
    expect(application.of(ROOM)).toEqual([...beginning(['ann', 'bob']), 'member_removed bob']);
    expect(application.of('private-ann')).toEqual(['channel_occupied']);
    expect(application.of('private-bob')).toEqual(['channel_occupied', 'channel_vacated']);
    broker.signal('SIGTERM');
    await broker.exited;
  });

  test('a file that can not be used stops the start with one line', async () => {
    const folder = temporaryFolder();
    for (const workers of [1, 2]) {
      const file = join(folder, `kulkul-${workers}.json`);
      const settings = { workers, port: 0, host: '127.0.0.1', 'log.format': 'json' };
      const journal = join(folder, 'missing', 'webhooks.journal');
      writeFileSync(file, JSON.stringify({ ...settings, 'appManager.array.apps': [APP], 'webhooks.journal': journal }));
      const { code, stderr } = await run(['start', '--config', file]);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `kulkul: The journal of webhooks ${journal} (webhooks.journal) can not be written: ENOENT: no such file or directory, open '${journal}.new'.\n`,
      );
    }
  });
});
