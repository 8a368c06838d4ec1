import * as z from 'zod';
import { channelKindOf, channelNameProblem } from '../../protocol/channel-name.ts';
import { about } from './setting.ts';

/** Paths that mean something else already. At `/` a plain `GET` does, and nothing else. */
const TAKEN = /^\/(apps?|broadcasting|pusher|users)(\/|$)|^\/(ready|accept-traffic|usage)$/;

const pathSchema = z
  .string()
  // Compared with the path of a request as it comes, in which all else is percent-encoded.
  .regex(/^\/[!$&-;=@-Z_a-z~%]*$/, 'must be a path as in a URL, from the root of the server: /api/v1/dashboard/ws')
  .refine((path) => !TAKEN.test(path), { error: 'is used by the broker itself: choose another path' });

const channelSchema = z.string().superRefine((name, context) => {
  const problem = channelNameProblem(name, Number.MAX_SAFE_INTEGER);
  if (problem) context.addIssue({ code: 'custom', message: `is no channel name: ${problem}` });
  else if (channelKindOf(name).isUser || name.startsWith('#')) {
    context.addIssue({ code: 'custom', message: 'must be a channel of the application' });
  }
});

const eventNameSchema = z
  .string()
  .min(1)
  .refine((name) => !/^(client-|pusher:|pusher_internal:)/.test(name), {
    error: 'must be an event of the application: events of clients and of the protocol are not kept',
  });

/** A channel at a URL of its own. */
export const feedSchema = z.strictObject({
  path: about(
    pathSchema,
    'Where it is read, from the root of the server; of one feed in all apps. At `/` a plain `GET` stays the health check.',
  ),
  channel: about(
    channelSchema,
    'What is read. A private or presence channel takes a token, see `auth` and `channels`.',
  ),
  format: about(
    z.enum(['data', 'event']).default('data'),
    'What a message is: the `data` of an event, or `{ "event", "channel", "data" }`.',
  ),
  last: about(
    z.union([z.boolean(), eventNameSchema], { error: 'must be true, false or the name of an event' }).default(false),
    'Whoever connects gets the last event of the channel first, and a plain `GET` is answered with it. It is kept for `cacheTtl`. A text is the name of the event that is meant: the last one of this name, though others came after it.',
  ),
  echo: about(
    z.boolean().default(false),
    'A message of a client is answered with `{ "message": "Echo: …", "sentAt": ms }`. Else it is ignored.',
  ),
  welcome: about(
    z.unknown().optional(),
    'JSON that whoever connects gets first. A value `"$now"` in it becomes the time in milliseconds: `{ "message": "Welcome", "sentAt": "$now" }`.',
  ),
});

export const feedsSchema = z.array(feedSchema).superRefine((feeds, context) => {
  for (const [index, { path }] of feeds.entries()) {
    const first = feeds.findIndex((feed) => feed.path === path);
    if (first === index) continue;
    context.addIssue({ code: 'custom', path: [index, 'path'], message: `is the path of feeds[${first}], too` });
  }
});

export type FeedOptions = z.output<typeof feedSchema>;

/** Why a path can't be reached behind a path prefix; undefined: it can. */
export function prefixProblem(path: string, pathPrefix: string): string | undefined {
  if (pathPrefix === '' || (path !== pathPrefix && !path.startsWith(`${pathPrefix}/`))) return undefined;
  const inner = path.slice(pathPrefix.length) || '/';
  return inner === '/' || TAKEN.test(inner)
    ? `is used by the broker itself, below pathPrefix ${pathPrefix}: choose another path`
    : undefined;
}
