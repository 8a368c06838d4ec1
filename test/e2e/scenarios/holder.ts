import type { TokenOptions } from '../../support/rvm-application.ts';
import type { Inbox } from './inbox.ts';
import type { Pusher, PusherChannel, PusherOptions } from './pusher.ts';
import type { Stage } from './stage.ts';

type AuthData = { readonly auth: string; readonly channel_data?: string; readonly user_data: string };

/** A token of the application for a user: one who may do anything in the control room, unless the roles say otherwise. */
export async function tokenFor(
  stage: Stage,
  user: string,
  { roles = ['operator'], ...options }: TokenOptions & { readonly roles?: readonly string[] } = {},
): Promise<string> {
  const claims = { sub: user, roles, user_info: { name: user } };
  return (await stage.backend('token', claims, options)) as string;
}

/** A second so near that a test can wait for it, and far enough to get something done before. */
export function soon(): number {
  return Math.floor(Date.now() / 1000) + 4;
}

/** Options by which pusher-js sends a token as it is, without any request. `user` is whom pusher-js takes itself for on presence channels. */
export function sentAsAuth(token: () => string, user?: string): Partial<PusherOptions> {
  const data = (): AuthData =>
    ({
      auth: token(),
      ...(user !== undefined && { channel_data: JSON.stringify({ user_id: user }) }),
    }) as AuthData;
  return {
    channelAuthorization: { customHandler: (_, callback) => callback(null, data()) },
    userAuthentication: { customHandler: (_, callback) => callback(null, { auth: token() } as AuthData) },
  };
}

/** How a subscription ends that was asked for: let in, or why not. */
export function outcome(channel: PusherChannel): Promise<unknown> {
  return new Promise((resolve) => {
    channel.bind('pusher:subscription_succeeded', () => resolve('admitted'));
    channel.bind('pusher:subscription_error', resolve);
  });
}

/** Puts what a channel is told about its subscription into the inbox, and events with the data that names them. */
export function recordAccess(inbox: Inbox, channel: PusherChannel, ...events: string[]): void {
  channel.bind('pusher:subscription_succeeded', () => inbox.put('admitted'));
  channel.bind('pusher:subscription_error', ({ type, status }: { type: string; status: number }) => {
    inbox.put([type, status]);
  });
  for (const event of events) channel.bind(event, (data: unknown) => inbox.put([event, data]));
}

/** As an application extends what a token opened. */
export function present(pusher: Pusher, channel: string, token: string, user?: string): void {
  const channelData = user === undefined ? {} : { channel_data: JSON.stringify({ user_id: user }) };
  pusher.send_event('pusher:subscribe', { channel, auth: token, ...channelData });
}
