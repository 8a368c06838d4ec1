import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { failure, load, onlyApp } from './load.ts';

/** A file with one app, whose feeds begin on its second line. */
const fileWith = (feeds: string, others = ''): string =>
  `{ ${others}"appManager.array.apps": [{ "id": "1", "key": "k", "secret": "s",\n"feeds": ${feeds}\n}] }`;

/** The message of a file's problems, without its name and that of the app. */
const problems = (file: string): string =>
  failure({ file }).replaceAll('soketi.config.json:', '').replaceAll('appManager.array.apps[0].', '');

const PATH = 'must be a path as in a URL, from the root of the server: /api/v1/dashboard/ws';

describe('feeds', () => {
  it('may be written as docs/feeds.md has it', () => {
    const docs = readFileSync(new URL('../../../docs/feeds.md', import.meta.url), 'utf8');
    const [file = '', ...others] = [...docs.matchAll(/```json[^\n]*\n(.*?)```/gs)].map(([, text]) => text ?? '');
    expect(onlyApp({ file }).feeds.length).toBeGreaterThan(1);
    expect([load({ file }).warnings, others]).toEqual([[], []]);
  });

  it('are those of the app, with what is not said', () => {
    const full = { path: '/', channel: 'private-b', format: 'event', last: true, echo: true, welcome: { at: '$now' } };
    const { feeds } = onlyApp({ file: fileWith(JSON.stringify([{ path: '/a', channel: 'a' }, full])) });
    expect(feeds).toEqual([{ path: '/a', channel: 'a', format: 'data', last: false, echo: false }, full]);
  });

  it('may stand in a variable', () => {
    const env = {
      KULKUL_DEFAULT_APP_ID: '1',
      KULKUL_DEFAULT_APP_KEY: 'k',
      KULKUL_DEFAULT_APP_SECRET: 's',
      KULKUL_DEFAULT_APP_FEEDS: '[{ "path": "/a", "channel": "a" }]',
    };
    expect(onlyApp({ env }).feeds).toHaveLength(1);
  });

  it.each([
    ['{}', '2:10  feeds: expected a list, got an object.'],
    ['[{ "path": "/a" }]', '2:11  feeds[0].channel: missing.'],
    ['[{ "path": "a", "channel": "a" }]', `2:21  feeds[0].path: ${PATH}, got "a".`],
    ['[{ "path": "/a?b", "channel": "a" }]', `2:21  feeds[0].path: ${PATH}, got "/a?b".`],
    ['[{ "path": "/ä", "channel": "a" }]', `2:21  feeds[0].path: ${PATH}, got "/ä".`],
    [
      '[{ "path": "/apps/1/channels", "channel": "a" }]',
      '2:21  feeds[0].path: is used by the broker itself: choose another path.',
    ],
    [
      '[{ "path": "/ready", "channel": "a" }]',
      '2:21  feeds[0].path: is used by the broker itself: choose another path.',
    ],
    [
      '[{ "path": "/a", "channel": "a b" }]',
      '2:38  feeds[0].channel: is no channel name: only letters, digits and - _ = @ , . ; are allowed.',
    ],
    [
      '[{ "path": "/a", "channel": "#server-to-user-1" }]',
      '2:38  feeds[0].channel: must be a channel of the application.',
    ],
    [
      '[{ "path": "/a", "channel": "a", "format": "dta" }]',
      '2:53  feeds[0].format: expected one of data, event, got "dta". Did you mean data?',
    ],
    [
      '[{ "path": "/a", "channel": "a", "last": "client-x" }]',
      '2:51  feeds[0].last: must be an event of the application: events of clients and of the protocol are not kept.',
    ],
    [
      '[{ "path": "/a", "channel": "a", "last": 5 }]',
      '2:51  feeds[0].last: must be true, false or the name of an event, got 5.',
    ],
    ['[{ "path": "/a", "channel": "a", "lst": true }]', '2:43  feeds[0].lst: unknown setting. Did you mean last?'],
    [
      '[{ "path": "/a", "channel": "a" }, { "path": "/a", "channel": "b" }]',
      '2:55  feeds[1].path: is the path of feeds[0], too.',
    ],
  ])('%s is refused with what is wrong and where', (feeds, expected) => {
    expect(problems(fileWith(feeds))).toBe(expected);
  });

  it('of two apps at one path are refused, naming both', () => {
    const file = `{ "appManager.array.apps": [
      { "id": "1", "key": "k1", "secret": "s",
        "feeds": [{ "path": "/a", "channel": "a" }] },
      { "id": "2", "key": "k2", "secret": "s",
        "feeds": [{ "path": "/b", "channel": "a" }, { "path": "/a", "channel": "a" }] }] }`;
    expect(failure({ file }).replaceAll('soketi.config.json:', '')).toBe(
      '5:18  appManager.array.apps[1].feeds[1].path: /a is the path of a feed of another app, too (3:18).',
    );
  });

  it('may not hide what is below the path prefix', () => {
    const prefix = '"pathPrefix": "/ws", ';
    expect(problems(fileWith('[{ "path": "/ws/apps/1/events", "channel": "a" }]', prefix))).toContain(
      'feeds[0].path: /ws/apps/1/events is used by the broker itself, below pathPrefix /ws: choose another path.',
    );
    expect(problems(fileWith('[{ "path": "/ws", "channel": "a" }]', prefix))).toContain('is used by the broker itself');
    for (const path of ['/ws/feed', '/wss/apps/1/events']) {
      expect(load({ file: fileWith(JSON.stringify([{ path, channel: 'a' }]), prefix) }).warnings).toEqual([]);
    }
  });

  it('that nobody can read are warned of', () => {
    const { warnings } = load({
      file: fileWith('[{ "path": "/a", "channel": "a" }, { "path": "/b", "channel": "private-b" }]'),
    });
    expect(warnings).toEqual([
      'appManager.array.apps[0].feeds[1].channel (soketi.config.json:2:10): nobody can read private-b there, as it takes a token and the app takes none: auth.jwt says how they are checked.',
    ]);
  });

  it('are shown one by one', () => {
    const feeds =
      '[{ "path": "/a", "channel": "a" }, { "path": "/b", "channel": "b", "last": true, "echo": true, "welcome": {} }]';
    const shown = describeConfig(load({ file: fileWith(feeds) })).replaceAll(/ +/g, ' ');
    expect(shown).toContain('apps.0.feeds.0 = /a reads a, format data (file');
    expect(shown).toContain('apps.0.feeds.1 = /b reads b, format data, last, echo, welcome (file');
    const named = fileWith('[{ "path": "/a", "channel": "a", "last": "metrics_update" }]');
    expect(describeConfig(load({ file: named }))).toContain('/a reads a, format data, last "metrics_update"');
    expect(describeConfig(load({ file: fileWith('[]') })).replaceAll(/ +/g, ' ')).toContain('apps.0.feeds = none');
  });
});
