import type { App } from '../../channels/app.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { takeBackendEvents } from '../../channels/publish.ts';
import { type PublishedChannels, publishAnswered } from '../../channels/publish-answered.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { parseTrigger } from '../../protocol/trigger.ts';
import { appDisabled } from '../http/authenticate.ts';

/**
 * Publishes what an operator sends as if a backend had sent it, with its limits.
 *
 * @param body - as of the HTTP API
 * @throws {ApiError} or rejects with it
 */
export function publishEvent(
  node: Node,
  app: App,
  body: JsonObject,
): MaybePromise<{ readonly channels?: PublishedChannels }> {
  if (!app.enabled) throw appDisabled(app);
  const trigger = parseTrigger(body, app.limits, JSON.stringify(body));
  takeBackendEvents(node, app, [trigger]);
  return after(publishAnswered(node, app, trigger), (channels) => (channels ? { channels } : {}));
}
