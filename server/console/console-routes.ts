import { isJsonObject, quote } from '../../protocol/json.ts';
import { hiddenApp } from '../admin/access.ts';
import { AdminError, invalidRequest } from '../admin/admin-error.ts';
import { problemsOf } from '../admin/app-fields.ts';
import type { AppRegistry } from '../admin/app-registry.ts';
import { registeredApp } from '../admin/app-routes.ts';
import type { Fleet } from '../admin/fleet.ts';
import { maySee, type Operator } from '../admin/operator.ts';
import { type AdminRoute, adminRoute } from '../admin/route.ts';
import type { Logger } from '../log.ts';
import {
  CHANNEL_DETAIL,
  CHANNEL_PAGE,
  CONNECTION_DETAIL,
  CONNECTION_PAGE,
  channelsQuerySchema,
  connectionsQuerySchema,
  EVENT,
  EVENT_PUBLISHED,
  liveQuerySchema,
  membersQuerySchema,
  NODES,
  SOCKET_ENDED,
  SOCKET_UNSUBSCRIBED,
  typesIn,
  UNSUBSCRIBE,
  unsubscribeSchema,
} from './console-schemas.ts';
import type { Disconnected, NodeList, Unsubscribed } from './contract.ts';
import { type FactFilter, FactMatcher } from './live-filter.ts';
import { liveStream } from './live-stream.ts';
import type { Sessions } from './sessions.ts';

export interface ConsoleRoutesParts {
  readonly registry: AppRegistry;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly log: Logger;
}

/** What happens on the nodes, who is connected, and what can be done about it. */
export function createConsoleRoutes({ registry, fleet, sessions, log }: ConsoleRoutesParts): readonly AdminRoute[] {
  const appIdOf = async (id: string): Promise<string> => (await registeredApp(registry, id)).app.id;

  return [
    adminRoute({
      method: 'GET',
      path: '/nodes',
      summary: 'all nodes and workers, with their state and figures',
      showsOwnApps: true,
      answer: NODES,
      async run({ operator }) {
        const list: NodeList = { nodes: await fleet.nodes(operator.apps ?? null) };
        return list;
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/live',
      summary: 'what happens on all nodes, as Server-Sent Events (?app, type, channel, event, socket, text)',
      showsOwnApps: true,
      query: liveQuerySchema,
      answerType: 'text/event-stream',
      answer: { type: 'string' },
      async run({ query, operator, headers }) {
        const filter = filterOf(liveQuerySchema.parse(query), operator);
        const session = headers.authorization === undefined ? sessions.in(headers) : undefined;
        return liveStream({ fleet, filter, log, isAllowed: () => !session || sessions.isOpen(session) });
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/channels',
      summary: 'occupied channels of an app, by name (?prefix, kind, limit, after)',
      query: channelsQuerySchema,
      answer: CHANNEL_PAGE,
      run: async ({ params, query }) => fleet.channelPage(await appIdOf(params.id), channelsQuerySchema.parse(query)),
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/channels/:channel',
      summary: 'a channel with its members and its last event (?limit, after)',
      query: membersQuerySchema,
      answer: CHANNEL_DETAIL,
      async run({ params: { id, channel }, query }) {
        const detail = await fleet.channelDetail(await appIdOf(id), channel, membersQuerySchema.parse(query));
        return detail ?? Promise.reject(hiddenApp(id));
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/connections',
      summary: 'connections of an app, by socket id (?socket, user, channel, limit, after)',
      query: connectionsQuerySchema,
      answer: CONNECTION_PAGE,
      run: async ({ params, query }) =>
        fleet.connectionPage(await appIdOf(params.id), connectionsQuerySchema.parse(query)),
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/connections/:socket',
      summary: 'one connection, with its channels and why it was last refused something',
      answer: CONNECTION_DETAIL,
      async run({ params: { id, socket } }) {
        const detail = await fleet.connectionDetail(await appIdOf(id), socket);
        return detail ?? Promise.reject(unknownSocket(id, socket));
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/events',
      summary: 'publishes an event, with the body of the HTTP API ({ "name", "channels", "data", "info" })',
      body: { schema: EVENT, isRequired: true },
      answer: EVENT_PUBLISHED,
      async run({ params: { id }, body }) {
        if (!isJsonObject(body))
          throw invalidRequest([{ path: '', message: 'expected an object with name, channels and data' }]);
        return (await fleet.publishEvent(await appIdOf(id), body)) ?? Promise.reject(hiddenApp(id));
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/connections/:socket/disconnect',
      summary: 'ends a connection with 4009, after which its client stays away',
      answer: SOCKET_ENDED,
      async run({ params: { id, socket } }) {
        if (!(await fleet.disconnectSocket(await appIdOf(id), socket))) throw unknownSocket(id, socket);
        const done: Disconnected = { disconnected: true };
        return done;
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/connections/:socket/unsubscribe',
      summary: 'takes a connection out of a channel ({ "channel" }), which it may enter again',
      body: { schema: UNSUBSCRIBE, isRequired: true },
      answer: SOCKET_UNSUBSCRIBED,
      async run({ params: { id, socket }, body = {} }) {
        const problems = problemsOf(unsubscribeSchema, body);
        if (problems.length > 0) throw invalidRequest(problems);
        const { channel } = unsubscribeSchema.parse(body);
        if (!(await fleet.unsubscribeSocket(await appIdOf(id), socket, channel))) {
          const message = `The app ${id} has no connection ${quote(socket, 60)} in the channel ${quote(channel, 200)}`;
          throw new AdminError('not-in-channel', 404, message);
        }
        const done: Unsubscribed = { unsubscribed: true };
        return done;
      },
    }),
  ];
}

/** @throws {AdminError} an app that one may not see, or a pattern that is none */
function filterOf({ app, type, ...others }: ReturnType<typeof liveQuerySchema.parse>, operator: Operator): FactFilter {
  if (app !== undefined && !maySee(operator, app)) throw hiddenApp(app);
  const filter: FactFilter = {
    ...others,
    apps: app === undefined ? operator.apps : [app],
    types: type === undefined ? undefined : typesIn(type),
  };
  try {
    new FactMatcher(filter);
  } catch (error) {
    const message = `is no pattern: ${error instanceof Error ? error.message : ''}`;
    throw invalidRequest([{ path: '?channel or ?event', message }]);
  }
  return filter;
}

function unknownSocket(appId: string, socket: string): AdminError {
  const message = `The app ${appId} has no connection ${quote(socket, 60)}: it has ended, or its node does not answer`;
  return new AdminError('unknown-socket', 404, message);
}
