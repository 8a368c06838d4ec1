import { describe, expect, it } from 'vitest';
import { failure, load, onlyApp } from './load.ts';

/** A file with one app, whose webhooks begin on its second line. */
const fileWith = (webhooks: string, others = ''): string =>
  `{ "appManager.array.apps": [{ ${others}"id": "1", "key": "k", "secret": "s",\n"webhooks": ${webhooks}\n}] }`;

/** The message of a file's problems, without its name and that of the app. */
const problems = (file: string): string =>
  failure({ file }).replaceAll('soketi.config.json:', '').replaceAll('appManager.array.apps[0].', '');

/** As Soketi's documentation has one. */
const HOOK = {
  url: 'https://example.com/hook?a=1',
  event_types: ['channel_occupied', 'channel_vacated'],
  filter: { channel_name_starts_with: 'private-', channel_name_ends_with: '' },
  headers: { 'X-Token': 'hidden' },
};
const CREDENTIALS = { SOKETI_DEFAULT_APP_ID: '1', SOKETI_DEFAULT_APP_KEY: 'k', SOKETI_DEFAULT_APP_SECRET: 's' };

describe('webhooks', () => {
  const read = {
    id: expect.stringMatching(/^[0-9a-f]{12}$/),
    url: HOOK.url,
    eventTypes: ['channel_occupied', 'channel_vacated'],
    startsWith: ['private-'],
    endsWith: [],
    headers: { 'X-Token': 'hidden' },
  };
  const text = JSON.stringify([HOOK]);

  it.each([
    ['a list', text],
    ['a text', JSON.stringify(text)],
  ])('may be %s in a file', (_, webhooks) => {
    expect(load({ file: fileWith(webhooks) }).warnings).toEqual([]);
    expect(onlyApp({ file: fileWith(webhooks) }).webhooks).toEqual([read]);
  });

  it.each(['SOKETI_DEFAULT_APP_WEBHOOKS', 'KULKUL_DEFAULT_APP_WEBHOOKS'])('may stand in %s', (name) => {
    expect(onlyApp({ env: { ...CREDENTIALS, [name]: text } }).webhooks).toEqual([read]);
  });

  it.each(['[]', '"[]"', '""', 'null'])('are none with %s', (webhooks) => {
    expect(onlyApp({ file: fileWith(webhooks) }).webhooks).toEqual([]);
  });

  it('may call private addresses when they stand in the configuration', () => {
    expect(onlyApp({ file: fileWith(text) }).allowsPrivateTargets).toBe(true);
  });

  it('have ids that stay, and differ', () => {
    const types = HOOK.event_types;
    const urls = ['https://a.example/', 'https://b.example/', 'https://a.example/', 'https://user:hidden@a.example/'];
    const { webhooks } = onlyApp({
      file: fileWith(JSON.stringify(urls.map((url) => ({ url, event_types: types })))),
    });
    const [a, b, ...others] = webhooks.map(({ id }) => id);
    // printf %s https://a.example/ | sha256sum
    expect(a).toBe('befde498a45b');
    expect(b).toMatch(/^[0-9a-f]{12}$/);
    expect(others).toEqual([`${a}-2`, `${a}-3`]);
  });

  it('send user and password of the URL as a header, unless there is one', () => {
    const url = 'https://user:p%40ss@example.com/hook?a=1';
    const headers = { authorization: 'Bearer x' };
    const { webhooks } = onlyApp({
      file: fileWith(
        JSON.stringify([
          { ...HOOK, url, headers: null },
          { ...HOOK, url, headers },
        ]),
      ),
    });
    expect(webhooks).toMatchObject([
      { url: HOOK.url, headers: { Authorization: `Basic ${Buffer.from('user:p@ss').toString('base64')}` } },
      { url: HOOK.url, headers },
    ]);
    expect(webhooks[1]?.headers).toEqual(headers);
  });

  it.each([
    [{}, [], []],
    [null, [], []],
    [{ channel_name_starts_with: '', channel_name_ends_with: null }, [], []],
    [{ channel_name_starts_with: ['a-', 'b-'], channel_name_ends_with: '-z' }, ['a-', 'b-'], ['-z']],
    [{ channel_name_starts_with: ['a-', ''] }, [], []],
  ])('filter by %j', (filter, startsWith, endsWith) => {
    const file = fileWith(JSON.stringify([{ ...HOOK, filter }]));
    expect(onlyApp({ file }).webhooks).toMatchObject([{ startsWith, endsWith }]);
  });

  const types = '"event_types": ["cache_miss"]';
  const TYPES =
    'channel_occupied, channel_vacated, member_added, member_removed, client_event, cache_miss, subscription_count, user_online, user_offline';
  const url = '"url": "https://a.example"';
  const URL_PROBLEM = 'must be a URL that begins with https:// or http://.';
  it.each([
    ['{}', '2:13  webhooks: expected a list, got an object.'],
    ['"nonsense"', '2:13  webhooks: expected a list, got a text.'],
    ['"[{}]"', '2:13  webhooks[0].url: missing.\n2:13  webhooks[0].event_types: missing.'],
    [`[{ ${url} }]`, '2:14  webhooks[0].event_types: missing.'],
    [`[{ ${url}, "event_types": [] }]`, '2:59  webhooks[0].event_types: must name one at least.'],
    [
      `[{ ${url}, "event_types": ["member_aded"] }]`,
      `2:60  webhooks[0].event_types[0]: expected one of ${TYPES}, got "member_aded". Did you mean member_added?`,
    ],
    [`[{ "url": "hook", ${types} }]`, `2:23  webhooks[0].url: ${URL_PROBLEM}`],
    [`[{ "url": "/hook", ${types} }]`, `2:23  webhooks[0].url: ${URL_PROBLEM}`],
    [`[{ "url": "ftp://a.example", ${types} }]`, `2:23  webhooks[0].url: ${URL_PROBLEM}`],
    [`[{ "url": "https://", ${types} }]`, `2:23  webhooks[0].url: ${URL_PROBLEM}`],
    [
      `[{ "url": "https://•••@a.example", ${types} }]`,
      '2:23  webhooks[0].url: has ••• in the place of a secret: write it out.',
    ],
    [`[{ ${url}, ${types}, "header": {} }]`, '2:75  webhooks[0].header: unknown setting. Did you mean headers?'],
    [
      `[{ ${url}, ${types}, "filter": { "channelNameStartsWith": "a" } }]`,
      '2:87  webhooks[0].filter.channelNameStartsWith: unknown setting. Did you mean channel_name_starts_with?',
    ],
    [
      `[{ ${url}, ${types}, "filter": { "channel_name_starts_with": 5 } }]`,
      '2:115  webhooks[0].filter.channel_name_starts_with: expected a text or a list of texts, got 5.',
    ],
    [
      `[{ ${url}, ${types}, "headers": { "X-Pusher-Signature": "x" } }]`,
      '2:110  webhooks[0].headers.X-Pusher-Signature: is set by the broker, and can not be given.',
    ],
    [`[{ ${url}, ${types}, "headers": { "a b": "x" } }]`, '2:95  webhooks[0].headers."a b": is no name of a header.'],
    [`[{ ${url}, ${types}, "headers": { "A": "1", "a": "2" } }]`, '2:103  webhooks[0].headers.a: is there twice.'],
    [
      `[{ ${url}, ${types}, "headers": { "A": "x\\r\\nB: y" } }]`,
      '2:93  webhooks[0].headers.A: must have characters that a header can have: no line breaks, and nothing beyond Latin-1.',
    ],
    [`[{ ${url}, ${types}, "headers": { "A": 5 } }]`, '2:93  webhooks[0].headers.A: expected a text, got •••.'],
    [
      `[{ ${url}, "lambda_function": "f", ${types} }]`,
      '2:63  webhooks[0].lambda_function: is not possible: webhooks go to URLs. Give the function a URL of its own, and put that into url.',
    ],
  ])('%s is refused with what is wrong and where', (webhooks, expected) => {
    expect(problems(fileWith(webhooks))).toBe(expected);
  });

  it('show nothing secret when they are wrong', () => {
    const wrong = { ...HOOK, url: 'ftp://user:hidden@a.example', headers: { 'X Y': 'hidden', A: ['hidden'] } };
    expect(failure({ file: fileWith(JSON.stringify([wrong])) })).not.toContain('hidden');
    const env = { ...CREDENTIALS, SOKETI_DEFAULT_APP_WEBHOOKS: '[{"url": "hidden' };
    expect(failure({ env })).toMatch(/^SOKETI_DEFAULT_APP_WEBHOOKS {2}appManager\.array\.apps\[0\]\.webhooks: /);
    expect(failure({ env })).not.toContain('hidden');
  });

  it('tell what is missing for subscription_count', () => {
    const webhooks = JSON.stringify([{ ...HOOK, event_types: ['cache_miss', 'subscription_count'] }]);
    expect(load({ file: fileWith(webhooks) }).warnings).toEqual([
      'appManager.array.apps[0].webhooks[0].event_types[1] (soketi.config.json:2:13) is never sent, as the app does not count subscribers for others: set its enableSubscriptionCountEvents to true.',
    ]);
    const counted = fileWith(webhooks, '"enableSubscriptionCountEvents": true, ');
    expect(load({ file: counted }).warnings).toEqual([]);
  });
});
