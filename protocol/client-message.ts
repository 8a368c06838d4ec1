import { channelKindOf } from './channel-name.ts';
import { PusherError, SubscriptionError } from './errors.ts';
import { isJsonObject, type JsonObject, memberText, parseJson, quote } from './json.ts';

/** What a client can say. Texts that are signed (`channelData`, `userData`) are kept byte for byte. */
export type ClientMessage =
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | {
      readonly kind: 'subscribe';
      readonly channel: string;
      readonly auth: string | undefined;
      readonly channelData: string | undefined;
    }
  | { readonly kind: 'unsubscribe'; readonly channel: string }
  | {
      readonly kind: 'signin';
      readonly auth: string;
      /** Undefined if a token says it. */
      readonly userData: string | undefined;
    }
  | { readonly kind: 'client-event'; readonly event: string; readonly channel: string; readonly data: string };

const PONG = { kind: 'pong' } as const;
const PING = { kind: 'ping' } as const;
/** For receivers: clients for Java and Swift fail on an event without data, and pages' handlers on null. */
const NO_DATA = '{}';

/**
 * Reads one text frame of a client.
 *
 * @param text - `{"event": string, "data"?: object | JSON string of one, "channel"?: string}`; extra fields are ignored
 * @throws {SubscriptionError} a subscription whose `channel_data` is not a string
 * @throws {PusherError} not JSON, an event that clients may not send, or a field that is missing or of the wrong type
 */
export function parseClientMessage(text: string): ClientMessage {
  const frame = parseJson(text);
  if (frame === undefined) throw new PusherError('invalid-json', 'Received invalid JSON');
  if (!isJsonObject(frame) || typeof frame.event !== 'string') {
    throw new PusherError('invalid-message', 'Invalid message: it must be a JSON object with a string "event"');
  }
  const event = frame.event;
  switch (event) {
    case 'pusher:ping':
      return PING;
    case 'pusher:pong':
      return PONG;
    case 'pusher:subscribe':
      return parseSubscribe(fieldsOf(event, frame));
    case 'pusher:unsubscribe':
      return { kind: 'unsubscribe', channel: requiredString(event, fieldsOf(event, frame), 'channel') };
    case 'pusher:signin': {
      const fields = fieldsOf(event, frame);
      return {
        kind: 'signin',
        auth: requiredString(event, fields, 'auth'),
        userData: optionalString(event, fields, 'user_data'),
      };
    }
    default:
      if (event.startsWith('client-')) return parseClientEvent(event, frame, text);
      throw new PusherError('unsupported-event', `Unsupported event received on socket: ${quote(event)}`);
  }
}

/** Once the channel is known, an error refuses the subscription, and is not just an error of the connection. */
function parseSubscribe(fields: JsonObject): ClientMessage {
  const channel = requiredString('pusher:subscribe', fields, 'channel');
  const { auth } = fields;
  // Anything but a string counts as no signature, and is refused where one is needed.
  return {
    kind: 'subscribe',
    channel,
    auth: typeof auth === 'string' ? auth : undefined,
    channelData: channelDataOf(channel, fields.channel_data),
  };
}

/** @throws {SubscriptionError} the text that was signed can't be recovered from another type */
function channelDataOf(channel: string, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const { isPrivate, isPresence } = channelKindOf(channel);
  if (value === undefined || value === null || !(isPrivate || isPresence)) return undefined;
  const message = `channel_data for ${quote(channel, 200)} must be a string, exactly as the auth endpoint answered it: here it is ${Array.isArray(value) ? 'an array' : `of type ${typeof value}`}`;
  throw new SubscriptionError('invalid-channel-data', channel, 'InvalidChannelData', 400, message);
}

function parseClientEvent(event: string, { channel, data }: JsonObject, text: string): ClientMessage {
  if (typeof channel !== 'string') {
    throw new PusherError('invalid-client-event', 'Invalid client event (must contain channel and data)');
  }
  const payload = typeof data === 'string' ? data : (memberText(text, 'data') ?? NO_DATA);
  return { kind: 'client-event', event, channel, data: payload };
}

/** `data` as an object. Some clients send it as a JSON string that holds the object. */
function fieldsOf(event: string, frame: JsonObject): JsonObject {
  const data = typeof frame.data === 'string' ? parseJson(frame.data) : frame.data;
  if (!isJsonObject(data)) throw new PusherError('invalid-message', `Invalid ${event}: "data" must be an object`);
  return data;
}

function requiredString(event: string, fields: JsonObject, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') {
    throw new PusherError('invalid-message', `Invalid ${event}: "data.${name}" must be a string`);
  }
  return value;
}

function optionalString(event: string, fields: JsonObject, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') {
    throw new PusherError('invalid-message', `Invalid ${event}: "data.${name}" must be a string`);
  }
  return value;
}
