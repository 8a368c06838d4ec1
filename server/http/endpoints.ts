import type { App } from '../../channels/app.ts';
import type { Receivers } from '../../channels/broker.ts';
import { channelFacts, occupiedChannels, presenceMembers, publishedFacts } from '../../channels/channel-facts.ts';
import { after, afterAll, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { publish, publishCounted, takeBackendEvents, takeReadRequest } from '../../channels/publish.ts';
import { publishAnswered } from '../../channels/publish-answered.ts';
import { revoke } from '../../channels/revoke.ts';
import { reconnectUser, terminateUser } from '../../channels/user-connections.ts';
import { isUserId } from '../../protocol/channel-name.ts';
import { ApiError } from '../../protocol/errors.ts';
import { parseJson, quote } from '../../protocol/json.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import {
  checkedChannel,
  parseBatch,
  parseInfo,
  parseTrigger,
  parseTriggerInfo,
  type Trigger,
  type TriggerInfo,
} from '../../protocol/trigger.ts';
import { type Answer, EMPTY_OBJECT, json, NOTICE } from './answer.ts';
import type { ApiRequest } from './authenticate.ts';
import { type RevocationSubject, revocationOf } from './revocation.ts';
import { checkMayPublish } from './token-access.ts';

type OfChannel = ApiRequest<{ readonly channel: string }>;
type OfUser = ApiRequest<{ readonly user: string }>;

export function triggerEvent(node: Node, app: App, request: ApiRequest): MaybePromise<Answer> {
  const trigger = readTrigger(app, request);
  if (request.grant) checkMayPublish(node, app, request.grant, [trigger]);
  takeBackendEvents(node, app, [trigger]);
  return after(publishAnswered(node, app, trigger, request, request.span), (channels) =>
    channels ? json({ channels }) : EMPTY_OBJECT,
  );
}

function readTrigger(app: App, request: ApiRequest): Trigger {
  if (request.body.length === 0) return parseTrigger(bodyFromQuery(request), app.limits);
  const text = request.body.toString();
  const trigger = parseTrigger(parseBody(text), app.limits, text);
  const info = infoOfQuery(request);
  return info ? withInfo(trigger, info) : trigger;
}

/** `info` as a parameter of the URL is for every event of the request, beside what each asks for itself. */
function infoOfQuery({ query }: ApiRequest): ReadonlySet<TriggerInfo> | undefined {
  const info = query.single.get('info');
  return info === undefined ? undefined : parseTriggerInfo(info);
}

function withInfo(trigger: Trigger, info: ReadonlySet<TriggerInfo>): Trigger {
  return { ...trigger, info: new Set([...trigger.info, ...info]) };
}

export function triggerBatch(node: Node, app: App, request: ApiRequest): MaybePromise<Answer> {
  const text = request.body.toString();
  const given = parseBatch(parseBody(text), app.limits, text);
  const info = infoOfQuery(request);
  const triggers = info ? given.map((trigger) => withInfo(trigger, info)) : given;
  if (request.grant) checkMayPublish(node, app, request.grant, triggers);
  takeBackendEvents(node, app, triggers);
  if (triggers.some(({ info }) => info.has('receivers'))) return triggerCounted(node, app, triggers, request);
  return after(afterAll(triggers.map((trigger) => publish(node, app, trigger, request, request.span))), () => {
    if (triggers.every(({ info }) => info.size === 0)) return EMPTY_OBJECT;
    return answerByEvent(node, app, triggers);
  });
}

/** A batch with at least one event that asks for its receivers. */
function triggerCounted(node: Node, app: App, triggers: readonly Trigger[], request: ApiRequest): MaybePromise<Answer> {
  const published = triggers.map((trigger) =>
    trigger.info.has('receivers')
      ? after(publishCounted(node, app, trigger, request, request.span), ([receivers]) => receivers)
      : after(publish(node, app, trigger, request, request.span), () => undefined),
  );
  return after(afterAll(published), (receivers) => answerByEvent(node, app, triggers, receivers));
}

function answerByEvent(
  node: Node,
  app: App,
  triggers: readonly Trigger[],
  receivers: readonly (Receivers | undefined)[] = [],
): MaybePromise<Answer> {
  const facts = triggers.map(({ channels: [channel = ''], info }, index) =>
    publishedFacts(node, app, channel, info, receivers[index]),
  );
  return after(afterAll(facts), (batch) => json({ batch }));
}

/** `POST /channels/:name/events?name=E`: the whole body is the payload. Deprecated in 2012; answered 202. */
export function triggerOldStyle(node: Node, app: App, request: OfChannel): MaybePromise<Answer> {
  const { single } = request.query;
  const event = {
    channel: request.params.channel,
    data: request.body.toString(),
    name: single.get('name'),
    socket_id: single.get('socket_id'),
  };
  const trigger: Trigger = parseTrigger(event, app.limits);
  takeBackendEvents(node, app, [trigger]);
  return after(publish(node, app, trigger, request, request.span), () => ({ ...EMPTY_OBJECT, status: 202, body: '' }));
}

export function showUser(node: Node, app: App, { params }: OfUser): MaybePromise<Answer> {
  const userId = checkedUserId(params.user);
  takeReadRequest(node, app);
  return after(node.store.userConnectionCount(app.id, userId), (connections) =>
    json({ online: connections > 0, connections }),
  );
}

export function terminateConnections(node: Node, app: App, request: OfUser): MaybePromise<Answer> {
  return endConnections(node, app, request, terminateUser);
}

export function forceReconnect(node: Node, app: App, request: OfUser): MaybePromise<Answer> {
  return endConnections(node, app, request, reconnectUser);
}

function endConnections(
  node: Node,
  app: App,
  { params }: OfUser,
  end: (node: Node, appId: string, userId: string) => MaybePromise<void>,
): MaybePromise<Answer> {
  const userId = checkedUserId(params.user);
  return after(node.store.online(app.id, [userId]), (online) =>
    after(end(node, app.id, userId), () => (online.includes(userId) ? EMPTY_OBJECT : NOBODY_SIGNED_IN)),
  );
}

function checkedUserId(userId: string): string {
  if (!isUserId(userId)) throw new ApiError('invalid-user-id', 400, `${quote(userId, 60)} can't be a user id`);
  return userId;
}

/** A success all the same, as at the hosted service: SDKs fail on anything else. */
const NOBODY_SIGNED_IN: Answer = {
  ...EMPTY_OBJECT,
  headers: { [NOTICE]: 'No connection is signed in as this user. Being a member of presence channels does not count' },
};

export function revokeFromUser(
  node: Node,
  app: App,
  { params: { channel, user } }: ApiRequest<{ readonly channel: string; readonly user: string }>,
): MaybePromise<Answer> {
  return revokeFrom(node, app, channel, { userId: user });
}

export function revokeFromSocket(
  node: Node,
  app: App,
  { params: { channel, socket } }: ApiRequest<{ readonly channel: string; readonly socket: string }>,
): MaybePromise<Answer> {
  return revokeFrom(node, app, channel, { socketId: socket });
}

export function revokeFromEveryone(node: Node, app: App, { params }: OfChannel): MaybePromise<Answer> {
  return revokeFrom(node, app, params.channel, undefined);
}

function revokeFrom(node: Node, app: App, channel: string, subject: RevocationSubject): MaybePromise<Answer> {
  return after(revoke(node, revocationOf(app.id, channel, subject)), () => EMPTY_OBJECT);
}

export function listChannels(node: Node, app: App, { query: { single } }: ApiRequest): MaybePromise<Answer> {
  takeReadRequest(node, app);
  const prefix = single.get('filter_by_prefix') ?? '';
  return after(occupiedChannels(node, app, prefix, parseInfo(single.get('info'))), (channels) => json({ channels }));
}

export function showChannel(node: Node, app: App, { params, query }: OfChannel): MaybePromise<Answer> {
  takeReadRequest(node, app);
  const channel = checkedChannel(params.channel, app.limits);
  return after(channelFacts(node, app, channel, parseInfo(query.single.get('info'))), toJson);
}

export function listUsers(node: Node, app: App, { params, query: { single } }: OfChannel): MaybePromise<Answer> {
  takeReadRequest(node, app);
  refuseExtraneous(single.keys());
  return after(presenceMembers(node, app, checkedChannel(params.channel, app.limits)), (members) =>
    usersAnswer(members, isOn(single.get(WITH_USER_INFO))),
  );
}

/** `GET /channels/:name/stats`, deprecated in 2012. */
export function channelStats(node: Node, app: App, { params }: OfChannel): MaybePromise<Answer> {
  takeReadRequest(node, app);
  const channel = checkedChannel(params.channel, app.limits);
  return after(node.store.summary(app.id, channel), ({ subscriptionCount, userCount }) =>
    json({
      occupied: subscriptionCount > 0,
      ...(channel.startsWith('presence-') && { user_count: userCount }),
      connection_count: subscriptionCount,
    }),
  );
}

/** Of Reverb; Laravel Pulse polls it. */
export function countConnections(node: Node, app: App): MaybePromise<Answer> {
  takeReadRequest(node, app);
  return after(node.store.connectionCount(app.id), (connections) => json({ connections }));
}

const toJson = (value: unknown): Answer => json(value);

/** Of Soketi and Reverb: each user comes with what the others see of it. */
const WITH_USER_INFO = 'with_user_info';

function isOn(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

function usersAnswer(members: readonly WireMember[], withInfo: boolean): Answer {
  const users = members.map(({ userId, userInfoJson }) => {
    const info = withInfo && userInfoJson !== undefined ? `,"user_info":${userInfoJson}` : '';
    return `{"id":${JSON.stringify(userId)}${info}}`;
  });
  return { status: 200, contentType: 'application/json', body: `{"users":[${users.join(',')}]}` };
}

const USERS_PARAMS = new Set([
  'auth_key',
  'auth_timestamp',
  'auth_version',
  'auth_signature',
  'body_md5',
  WITH_USER_INFO,
]);

function refuseExtraneous(names: Iterable<string>): void {
  const extraneous = [...names].filter((name) => !USERS_PARAMS.has(name));
  if (extraneous.length > 0) {
    const list = quote(extraneous.join(', '));
    throw new ApiError('extraneous-parameters', 400, `The following query string parameters are extraneous: ${list}`);
  }
}

/** Parameters of a trigger may stand in the query string instead of the body. */
function bodyFromQuery({ query: { single, lists } }: ApiRequest): unknown {
  if (!single.has('name') && !single.has('data')) {
    throw new ApiError('invalid-body', 400, 'The body is empty: it must be a JSON object with name, channels and data');
  }
  return { ...Object.fromEntries(single), ...(lists.has('channels') && { channels: lists.get('channels') }) };
}

function parseBody(text: string): unknown {
  const value = parseJson(text);
  if (value === undefined) {
    throw new ApiError('invalid-json-body', 400, 'The body is not valid JSON: send one JSON object, encoded once');
  }
  return value;
}
