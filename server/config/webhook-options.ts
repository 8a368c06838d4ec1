import { createHash } from 'node:crypto';
import * as z from 'zod';
import { WEBHOOK_EVENT_TYPES, type Webhook } from '../../protocol/webhook.ts';
import { MASK } from './mask.ts';
import type { Path } from './origin.ts';
import { about, filled } from './setting.ts';

const URL_PROBLEM = 'must be a URL that begins with https:// or http://';

const urlSchema = filled().superRefine((text, context) => {
  const problem = urlProblem(text);
  if (text !== '' && problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

function urlProblem(text: string): string | undefined {
  if (text.includes(MASK)) return `has ${MASK} in the place of a secret: write it out`;
  const url = URL.parse(text);
  if (!url || !/^https?:\/\/\S+$/i.test(text)) return URL_PROBLEM;
  if (text.includes('#')) return 'must not have a #: what stands behind it is never sent';
  return undefined;
}

/** What the protocol sets, and what belongs to the connection. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'x-pusher-key',
  'x-pusher-signature',
  'x-kulkul-event-ids',
  'x-kulkul-test',
  'content-length',
  'content-encoding',
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

const headerSchema = about(z.string(), 'What the header says.', { secret: 'always' });

const headersSchema = z.record(z.string(), headerSchema).superRefine((headers, context) => {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value) ?? (seen.has(name.toLowerCase()) ? 'is there twice' : undefined);
    seen.add(name.toLowerCase());
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [name], message: problem });
  }
});

function headerProblem(name: string, value: unknown): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'is no name of a header';
  if (OWN_HEADERS.has(name.toLowerCase())) return 'is set by the broker, and can not be given';
  // What is wrong in itself comes as it was written.
  if (typeof value !== 'string' || /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return undefined;
  return 'must have characters that a header can have: no line breaks, and nothing beyond Latin-1';
}

/** The part of a channel's name, or several of which one is enough; '' and none mean any. */
const namePart = () =>
  z.union([z.string(), z.array(z.string())], { error: 'expected a text or a list of texts' }).nullish();

const LAMBDA = 'is not possible: webhooks go to URLs. Give the function a URL of its own, and put that into url';
const lambda = () => z.never({ error: LAMBDA }).optional();

/** A webhook in Soketi's form. */
export const webhookSchema = z.strictObject({
  url: about(
    urlSchema,
    'Where events are sent, `https://` or `http://`. User and password in it are sent as `Authorization`.',
    { secret: 'when-wrong' },
  ),
  event_types: about(
    z.array(z.enum(WEBHOOK_EVENT_TYPES)).min(1, 'must name one at least'),
    `Which events: ${WEBHOOK_EVENT_TYPES.map((type) => `\`${type}\``).join(', ')}.`,
  ),
  filter: about(
    z
      .strictObject({
        channel_name_starts_with: about(
          namePart(),
          "What the channel's name must begin with: a text, or a list of which one is enough. Empty: anything.",
        ),
        channel_name_ends_with: about(namePart(), 'What it must end with, likewise.'),
      })
      .nullish(),
    'Only events of these channels. Events of users, which have no channel, are not filtered.',
  ),
  headers: about(
    headersSchema.nullish(),
    'Further headers of each request: `{ "Authorization": "Bearer …" }`. They are never shown. Those that the protocol sets can not be given.',
    { secret: 'always' },
  ),
  lambda_function: about(
    lambda(),
    "Soketi's, for AWS Lambda. Refused: give the function a URL, and put that into `url`.",
  ),
  lambda: about(lambda(), 'Likewise.'),
});

export const webhooksSchema = z.array(webhookSchema);

export type WebhookOptions = z.output<typeof webhookSchema>;

/** What stands in webhooks without any effect, each with its place in the list. */
export function webhookWarnings({
  webhooks = [],
  enableSubscriptionCountEvents: isCounted = false,
}: {
  readonly webhooks?: readonly WebhookOptions[] | undefined;
  readonly enableSubscriptionCountEvents?: boolean | undefined;
}): readonly { readonly path: Path; readonly message: string }[] {
  return webhooks.flatMap(({ event_types: types }, index) => {
    const at = isCounted ? -1 : types.indexOf('subscription_count');
    return at === -1 ? [] : [{ path: [index, 'event_types', at], message: UNCOUNTED }];
  });
}

const UNCOUNTED =
  'is never sent, as the app does not count subscribers for others: set its enableSubscriptionCountEvents to true';

/** Webhooks as they are used. Those with the same URL are told apart by a number. */
export function createWebhooks(options: readonly WebhookOptions[]): Webhook[] {
  const counts = new Map<string, number>();
  return options.map(({ url: written, event_types, filter, headers }) => {
    const { url, authorization } = takeCredentials(written);
    const digest = createHash('sha256').update(url).digest('hex').slice(0, 12);
    const count = (counts.get(digest) ?? 0) + 1;
    counts.set(digest, count);
    const given = headers ?? {};
    const hasOwn = Object.keys(given).some((name) => name.toLowerCase() === 'authorization');
    return {
      id: count === 1 ? digest : `${digest}-${count}`,
      url,
      eventTypes: [...new Set(event_types)],
      startsWith: partsOf(filter?.channel_name_starts_with),
      endsWith: partsOf(filter?.channel_name_ends_with),
      headers: { ...(authorization !== undefined && !hasOwn && { Authorization: authorization }), ...given },
    };
  });
}

/** A URL without user and password, which would end up in the log. */
function takeCredentials(written: string): { readonly url: string; readonly authorization?: string } {
  const url = new URL(written);
  const { username, password } = url;
  if (username === '' && password === '') return { url: written };
  url.username = '';
  url.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** None where one of them is empty, which all names have. */
function partsOf(part: string | readonly string[] | null | undefined): string[] {
  const parts = [part ?? ''].flat();
  return parts.includes('') ? [] : parts;
}
