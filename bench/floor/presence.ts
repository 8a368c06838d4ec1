import type { TemplatedApp, WebSocket } from '../../server/uws.ts';

/** Members of presence channels: each user is there once, with one connection. */
export class Presence {
  readonly #app: TemplatedApp;
  /** JSON of `user_info` by user id, by channel. */
  readonly #channels = new Map<string, Map<string, string>>();

  constructor(app: TemplatedApp) {
    this.#app = app;
  }

  /**
   * Shows the newcomer who is there, and the others the newcomer. Its connection is subscribed already.
   *
   * @returns its user id
   */
  join<T>(ws: WebSocket<T>, channel: string, channelData: string): string {
    const { user_id: userId, user_info: info } = JSON.parse(channelData) as { user_id: string; user_info: unknown };
    let members = this.#channels.get(channel);
    if (!members) {
      members = new Map();
      this.#channels.set(channel, members);
    }
    members.set(userId, JSON.stringify(info));
    const ids = JSON.stringify([...members.keys()]);
    const hash = [...members].map(([id, text]) => `${JSON.stringify(id)}:${text}`).join(',');
    const roster = `{"presence":{"count":${members.size},"ids":${ids},"hash":{${hash}}}}`;
    ws.send(frame('subscription_succeeded', channel, roster));
    ws.publish(channel, frame('member_added', channel, channelData));
    return userId;
  }

  leave(channel: string, userId: string): void {
    const members = this.#channels.get(channel);
    members?.delete(userId);
    if (members?.size === 0) this.#channels.delete(channel);
    this.#app.publish(channel, frame('member_removed', channel, `{"user_id":${JSON.stringify(userId)}}`));
  }
}

function frame(event: string, channel: string, data: string): string {
  return `{"event":"pusher_internal:${event}","channel":${JSON.stringify(channel)},"data":${JSON.stringify(data)}}`;
}
