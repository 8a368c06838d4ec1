import type { Node } from '../../channels/node.ts';
import { FeedTransport } from './feed-transport.ts';
import { FEED_CHANGED, hasFeed } from './open-feed.ts';

/** An app is configured otherwise: readers of feeds that are not the same any more have to come anew. */
export function endChangedFeeds(node: Node, appId: string): void {
  for (const connection of [...node.connections.values()]) {
    const { app, transport } = connection;
    if (app.id !== appId || !(transport instanceof FeedTransport)) continue;
    if (!hasFeed(app, transport.feed)) node.end(connection, FEED_CHANGED);
  }
}
