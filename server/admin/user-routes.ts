import { isUserId } from '../../protocol/channel-name.ts';
import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import type { Logger } from '../log.ts';
import type { AppRegistry } from './app-registry.ts';
import { registeredApp } from './app-routes.ts';
import type { Fleet } from './fleet.ts';
import { type AdminRoute, adminRoute } from './route.ts';
import { RECONNECTED, TERMINATED, USER } from './schemas.ts';

/** What is asked about users who are signed in, and done to their connections. */
export function createUserRoutes(registry: AppRegistry, fleet: Fleet, log: Logger): readonly AdminRoute[] {
  const checkedApp = async (id: string, userId: string): Promise<string> => {
    const { app } = await registeredApp(registry, id);
    if (!isUserId(userId)) throw new ApiError('invalid-user-id', 400, `${quote(userId, 60)} can't be a user id`);
    return app.id;
  };

  return [
    adminRoute({
      method: 'GET',
      path: '/apps/:id/users/:user',
      summary: 'whether a user is signed in anywhere, and on how many connections',
      answer: USER,
      async run({ params: { id, user } }) {
        const connections = await fleet.userConnections(await checkedApp(id, user), user);
        return { id: user, online: connections > 0, connections };
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/users/:user/force_reconnect',
      summary:
        'ends all connections of a signed-in user with 4200: clients come back at once, and are authorized again',
      answer: RECONNECTED,
      async run({ params: { id, user } }) {
        const app = await checkedApp(id, user);
        await fleet.reconnectUser(app, user);
        log.info({ app, user }, 'connections of a user sent to reconnect over the admin API');
        return { reconnected: true };
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/users/:user/terminate',
      summary: 'ends all connections of a signed-in user with 4009',
      answer: TERMINATED,
      async run({ params: { id, user } }) {
        const app = await checkedApp(id, user);
        await fleet.terminateUser(app, user);
        log.info({ app, user }, 'connections of a user ended over the admin API');
        return { terminated: true };
      },
    }),
  ];
}
