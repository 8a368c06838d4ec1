import { TokenError } from '../../auth/grant.ts';
import type { App } from '../../channels/app.ts';
import type { PublishRefused } from '../../channels/observer.ts';
import { ApiError } from '../../protocol/errors.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import type { ApiRequest } from './authenticate.ts';

/**
 * What is told of a request to publish that was refused.
 *
 * @returns undefined where the error is no refusal
 */
export function publishRefusedBy(app: App, request: ApiRequest, error: unknown): PublishRefused | undefined {
  if (!(error instanceof ApiError || error instanceof TokenError)) return undefined;
  const wanted = eventsOf(request);
  return {
    app,
    publisher: request,
    events: texts(wanted.map(({ name }) => name)),
    channels: texts(wanted.flatMap(({ channel, channels }) => channels ?? channel)),
    bytes: request.body.length,
    error,
  };
}

/** Fields of the events as they came, whatever they are. */
interface Wanted {
  readonly name?: unknown;
  readonly channel?: unknown;
  readonly channels?: unknown;
}

function eventsOf({ params, query: { single, lists }, body }: ApiRequest): readonly Wanted[] {
  const { channel } = params;
  if (channel !== undefined) return [{ name: single.get('name'), channel }];
  if (body.length === 0) {
    return [{ name: single.get('name'), channel: single.get('channel'), channels: lists.get('channels') }];
  }
  const value = parseJson(body.toString());
  if (!isJsonObject(value)) return [];
  return Array.isArray(value.batch) ? value.batch.filter(isJsonObject) : [value];
}

function texts(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.filter((value) => typeof value === 'string'))];
}
