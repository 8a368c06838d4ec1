import type { AppLimits } from '../../channels/app.ts';
import type { Settings } from '../config/index.ts';
import type { BodyLimits } from './body.ts';
import type { ApiRoute } from './routes.ts';

const BYTES_PER_MB = 1_048_576;
/** JSON writes a character as up to six bytes per byte of its UTF-8 (`\u0000`). */
const JSON_FACTOR = 6;
/** For the names of the fields and white space. */
const SLACK_BYTES = 65_536;
/** Room for the longest token, and for whatever else a page sends along. */
const MAX_AUTH_BYTES = 65_536;

type HttpSettings = Pick<Settings, 'httpApi'>;

/** What the largest request takes that the app may send, or less if the operator says so. */
export function apiBodyLimits({ httpApi }: HttpSettings, limits: AppLimits, route: ApiRoute): BodyLimits {
  const eventBytes = limits.maxEventPayloadBytes + limits.maxEventNameLength * 4;
  const events = route.name === 'batch-events' ? limits.maxEventBatchSize : 1;
  const channels = limits.maxEventChannelsAtOnce * limits.maxChannelNameLength;
  const useful = Math.ceil(JSON_FACTOR * (events * eventBytes + channels)) + SLACK_BYTES;
  const maxBytes = Math.min(Math.floor(httpApi.requestLimitInMb * BYTES_PER_MB), useful);
  const advice = (): string =>
    maxBytes === useful
      ? `no request within eventLimits needs more (data is limited to ${limits.maxEventPayloadBytes} bytes by eventLimits.maxPayloadInKb)`
      : 'send less, or raise httpApi.requestLimitInMb';
  return { maxBytes, timeoutMs: httpApi.bodyTimeoutSeconds * 1000, advice };
}

/** For requests to auth endpoints: a few short fields and a token. */
export function authBodyLimits({ httpApi }: HttpSettings): BodyLimits {
  const maxBytes = Math.min(Math.floor(httpApi.requestLimitInMb * BYTES_PER_MB), MAX_AUTH_BYTES);
  const advice = (): string => 'socket_id, channel_name and a token need less';
  return { maxBytes, timeoutMs: httpApi.bodyTimeoutSeconds * 1000, advice };
}
