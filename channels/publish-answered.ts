import type { Trigger } from '../protocol/trigger.ts';
import type { App } from './app.ts';
import type { Receivers } from './broker.ts';
import { type ChannelFacts, publishedFacts } from './channel-facts.ts';
import { after, afterAll, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { Publisher } from './observer.ts';
import { publish, publishCounted } from './publish.ts';
import type { Span } from './tracer.ts';

/** By name of the channel. */
export type PublishedChannels = Readonly<Record<string, ChannelFacts>>;

/**
 * Publishes an event, and finds out what its `info` asks for.
 *
 * @returns undefined where it asks for nothing
 */
export function publishAnswered(
  node: Node,
  app: App,
  trigger: Trigger,
  publisher?: Publisher,
  span?: Span,
): MaybePromise<PublishedChannels | undefined> {
  if (trigger.info.has('receivers')) {
    return after(publishCounted(node, app, trigger, publisher, span), (receivers) =>
      factsOf(node, app, trigger, receivers),
    );
  }
  return after(publish(node, app, trigger, publisher, span), () =>
    trigger.info.size === 0 ? undefined : factsOf(node, app, trigger),
  );
}

function factsOf(
  node: Node,
  app: App,
  { channels, info }: Trigger,
  receivers: readonly Receivers[] = [],
): MaybePromise<PublishedChannels> {
  const facts = channels.map((channel, index) => publishedFacts(node, app, channel, info, receivers[index]));
  return after(afterAll(facts), (each) =>
    Object.fromEntries(channels.map((channel, index) => [channel, each[index] ?? {}])),
  );
}
