import type { App } from '../../channels/app.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import type { Question } from '../../channels/node-questions.ts';
import { takeBackendEvents } from '../../channels/publish.ts';
import { type PublishedChannels, publishAnswered } from '../../channels/publish-answered.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { parseTrigger } from '../../protocol/trigger.ts';
import type { AuditedChange } from '../admin/audit.ts';
import { appDisabled } from '../http/authenticate.ts';
import { type ChannelQuery, channelDetail, channelPage, type PageQuery } from './channel-pages.ts';
import { ConnectionList, type ConnectionPart, type ConnectionQuery, type LastRefusals } from './connection-list.ts';
import type {
  ChannelDetail,
  ChannelPage,
  ConnectionDetail,
  ConnectionPage,
  ConnectionRow,
  NodeReport,
} from './contract.ts';
import type { FactFilter } from './live-filter.ts';
import { isReport, LiveInbox, type LiveRequest, type LiveSeen } from './live-inbox.ts';
import { LiveLog } from './live-log.ts';
import { NodeReporter, type NodeReporterParts } from './node-reporter.ts';

/** What operators see of all nodes, and do. Arguments and answers are JSON; what is left out of an argument may be null. */
export interface ConsoleOperations {
  /** @param apps - ids of those whose figures are wanted; null: all */
  nodes(apps: readonly string[] | null): MaybePromise<readonly NodeReport[]>;
  /** What happened since the last call with this id. */
  look(request: LiveRequest): MaybePromise<LiveSeen>;
  stopLooking(id: string): MaybePromise<void>;
  /** Shows a change in the live log. */
  noteChange(change: AuditedChange): MaybePromise<void>;
  channelPage(appId: string, query: ChannelQuery): MaybePromise<ChannelPage>;
  /** Null: the nodes know no such app. */
  channelDetail(appId: string, channel: string, query: PageQuery): MaybePromise<ChannelDetail | null>;
  connectionPage(appId: string, query: ConnectionQuery): MaybePromise<ConnectionPage>;
  /** Null: there is none. */
  connectionDetail(appId: string, socketId: string): MaybePromise<ConnectionDetail | null>;
  /** Whether there was one. */
  disconnectSocket(appId: string, socketId: string): MaybePromise<boolean>;
  /**
   * Publishes an event. Null: the nodes know no such app.
   *
   * @param body - as of the HTTP API
   * @throws {ApiError} by rejection
   */
  publishEvent(appId: string, body: JsonObject): MaybePromise<{ readonly channels?: PublishedChannels } | null>;
  /** Whether there was one, in this channel. */
  unsubscribeSocket(appId: string, socketId: string, channel: string): MaybePromise<boolean>;
}

export interface ConsoleNodeParts extends NodeReporterParts {
  readonly refusals: LastRefusals;
  findApp(appId: string): MaybePromise<App | undefined>;
}

/** What a node has for operators: it answers the other nodes' questions, and asks them. */
export class ConsoleNode {
  readonly operations: ConsoleOperations;
  readonly log: LiveLog;
  readonly #node: Node;
  readonly #connections: ConnectionList;
  readonly #reporter: NodeReporter;
  readonly #inbox: LiveInbox;
  readonly #findApp: ConsoleNodeParts['findApp'];

  constructor(parts: ConsoleNodeParts) {
    const { node } = parts;
    this.#node = node;
    this.#findApp = parts.findApp;
    this.#connections = new ConnectionList(node, parts.refusals);
    this.#reporter = new NodeReporter(parts);
    this.log = new LiveLog({ node, report: (apps, rates) => this.#reporter.report(apps, rates) });
    this.#inbox = new LiveInbox(node, this.log);
    node.questions.answer = (question, from) => this.#answer(question, from);
    node.questions.takeNotice = ({ live }, from) => this.#inbox.take(live, from);
    this.operations = this.#createOperations();
  }

  stop(): void {
    this.log.stop();
    this.#reporter.stop();
  }

  #createOperations(): ConsoleOperations {
    const node = this.#node;
    return {
      nodes: (apps) => this.#nodes(apps ?? undefined),
      look: (request) => this.#inbox.look(request),
      stopLooking: (id) => this.#inbox.end(id),
      noteChange: ({ who, what, app, from }) =>
        this.log.happened({ type: 'audit', ...(app != null && { app }) }, () => ({ who, what, ip: from })),
      channelPage: (appId, query) => channelPage(node, appId, query),
      channelDetail: async (appId, channel, query) => {
        const app = await this.#findApp(appId);
        return app ? channelDetail(node, app, channel, query) : null;
      },
      connectionPage: (appId, query) => this.#connectionPage(appId, query),
      connectionDetail: async (appId, socket) => {
        const { answers } = await node.questions.ask({ kind: 'connection', app: appId, socket });
        return [...answers.values()].find(isDetail) ?? null;
      },
      publishEvent: async (appId, body) => {
        const app = await this.#findApp(appId);
        return app ? publishEvent(node, app, body) : null;
      },
      disconnectSocket: (appId, socket) => this.#anyDid({ kind: 'disconnect', app: appId, socket }),
      unsubscribeSocket: (appId, socket, channel) => this.#anyDid({ kind: 'unsubscribe', app: appId, socket, channel }),
    };
  }

  async #nodes(apps: readonly string[] | undefined): Promise<readonly NodeReport[]> {
    const { answers, silent } = await this.#node.questions.ask({ kind: 'report', ...(apps && { apps }) });
    const reports = [...answers.values()].filter(isReport);
    const all = [...reports, ...silent.map(silentReport)];
    return all.sort((one, other) => compare(one.host, other.host) || (one.worker ?? 0) - (other.worker ?? 0));
  }

  async #connectionPage(appId: string, query: ConnectionQuery): Promise<ConnectionPage> {
    const { answers, silent } = await this.#node.questions.ask({ kind: 'connections', app: appId, query });
    const parts = [...answers.values()].filter(isPart);
    const rows = parts.flatMap((part) => part.rows).sort((one, other) => compare(one.socket, other.socket));
    const connections = rows.slice(0, query.limit);
    const last = connections.at(-1);
    const hasMore = rows.length > query.limit || parts.some((part) => part.rows.length >= query.limit);
    return {
      connections,
      total: parts.reduce((sum, { total }) => sum + total, 0),
      next: hasMore && last ? last.socket : null,
      silent,
    };
  }

  async #anyDid(question: Question): Promise<boolean> {
    const { answers } = await this.#node.questions.ask(question);
    return [...answers.values()].includes(true);
  }

  /** Answers what a node asks, this one included. Fields are as another node sent them. */
  #answer(question: Question, from: string): unknown {
    const { kind, app, socket, channel } = question;
    switch (kind) {
      case 'report':
        return this.#reporter.report(textsIn(question.apps), null);
      case 'watch':
        return this.log.watch(String(question.watch), from, filterIn(question.filter));
      case 'unwatch':
        return this.log.unwatch(String(question.watch));
      case 'connections':
        return this.#connections.find(String(app), queryIn(question.query));
      case 'connection':
        return this.#connections.detail(String(app), String(socket)) ?? undefined;
      case 'disconnect':
        return this.#connections.disconnect(String(app), String(socket));
      case 'unsubscribe':
        return this.#connections.unsubscribe(String(app), String(socket), String(channel));
      default:
        // Of a newer node.
        return undefined;
    }
  }
}

/**
 * Publishes what an operator sends as if a backend had sent it, with its limits.
 *
 * @param body - as of the HTTP API
 * @throws {ApiError} or rejects with it
 */
function publishEvent(node: Node, app: App, body: JsonObject): MaybePromise<{ readonly channels?: PublishedChannels }> {
  if (!app.enabled) throw appDisabled(app);
  const trigger = parseTrigger(body, app.limits, JSON.stringify(body));
  takeBackendEvents(node, app, [trigger]);
  return after(publishAnswered(node, app, trigger), (channels) => (channels ? { channels } : {}));
}

function silentReport(id: string): NodeReport {
  const reason = 'It did not answer within two seconds';
  return { id, state: 'silent', reason, host: '', pid: 0, worker: null, version: '', since: '', figures: null };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function isPart(value: unknown): value is ConnectionPart {
  return isObject(value) && Array.isArray(value.rows) && typeof value.total === 'number' && value.rows.every(isRow);
}

function isRow(value: unknown): value is ConnectionRow {
  return isObject(value) && typeof value.socket === 'string' && typeof value.node === 'string';
}

function isDetail(value: unknown): value is ConnectionDetail {
  return isRow(value) && Array.isArray((value as unknown as JsonObject).channels);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

function textsIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** As far as it is one. */
function filterIn(value: unknown): FactFilter {
  if (!isObject(value)) return {};
  const { apps, types, channel, event, socket, text } = value;
  return {
    apps: textsIn(apps),
    types: textsIn(types) as FactFilter['types'],
    channel: textIn(channel),
    event: textIn(event),
    socket: textIn(socket),
    text: textIn(text),
  };
}

/** Rows of one answer at most. */
const MAX_ROWS = 500;

function queryIn(value: unknown): ConnectionQuery {
  if (!isObject(value)) return { limit: 0 };
  const { socket, user, channel, after, limit } = value;
  return {
    socket: textIn(socket),
    user: textIn(user),
    channel: textIn(channel),
    after: textIn(after),
    limit: typeof limit === 'number' ? Math.min(Math.max(0, Math.floor(limit)), MAX_ROWS) : 0,
  };
}
