import { type RevocationSubject, revocationOf } from '../http/revocation.ts';
import type { Logger } from '../log.ts';
import type { AppRegistry } from './app-registry.ts';
import { registeredApp } from './app-routes.ts';
import type { Fleet } from './fleet.ts';
import { type AdminRoute, adminRoute } from './route.ts';
import { HEALTH, PURGED, REVOKED, USAGE } from './schemas.ts';

/** What is asked of the nodes. */
export function createFleetRoutes(registry: AppRegistry, fleet: Fleet, log: Logger): readonly AdminRoute[] {
  const revoke = async (
    { id, channel }: { readonly id: string; readonly channel: string },
    subject: RevocationSubject,
  ): Promise<object> => {
    const { app } = await registeredApp(registry, id);
    await fleet.revoke(revocationOf(app.id, channel, subject));
    log.info({ app: app.id, channel, ...subject }, 'access revoked over the admin API');
    return { revoked: true };
  };

  return [
    adminRoute({
      method: 'GET',
      path: '/apps/:id/usage',
      summary: 'connections, channels, subscriptions and presence users of an app over all nodes',
      answer: USAGE,
      async run({ params }) {
        const { app } = await registeredApp(registry, params.id);
        return { id: app.id, ...(await fleet.usage(app.id)) };
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/health',
      showsOwnApps: true,
      summary: 'whether the broker is ready, and what is wrong, with addresses and errors',
      answer: HEALTH,
      async run() {
        const { isReady, reason } = await fleet.readiness();
        return { ready: isReady, reason };
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/purge',
      summary: 'lets all nodes read an app again, for example after a change by SQL',
      answer: PURGED,
      async run({ params: { id } }) {
        await fleet.announceApps([id]);
        return { purged: true };
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/purge',
      summary: 'lets all nodes read all apps again',
      answer: PURGED,
      async run() {
        await fleet.announceApps(null);
        return { purged: true };
      },
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/channels/:channel/users/:user',
      summary: 'removes a user from a channel, or from all that match a pattern (private-*)',
      answer: REVOKED,
      run: ({ params }) => revoke(params, { userId: params.user }),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/channels/:channel/sockets/:socket',
      summary: 'removes one connection from a channel',
      answer: REVOKED,
      run: ({ params }) => revoke(params, { socketId: params.socket }),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/channels/:channel/subscriptions',
      summary: 'removes everybody from a channel',
      answer: REVOKED,
      run: ({ params }) => revoke(params, undefined),
    }),
  ];
}
