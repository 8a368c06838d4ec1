import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolder, failure, fileName, load, oneApp } from './load.ts';

describe('configuration file', () => {
  it('is taken with nested objects, dotted names and comments mixed', () => {
    const { settings } = load({
      file: `\uFEFF{
        // a comment
        "presence": { "maxMembersPerChannel": 7 },
        "presence.maxMemberSizeInKb": 3,
        "httpApi": { "acceptTraffic.memoryThreshold": 50 }, /* another */
        "$schema": "https://example.com/schema.json",
      }`,
    });
    expect(settings.presence).toEqual({ maxMembersPerChannel: 7, maxMemberSizeInKb: 3 });
    expect(settings.httpApi).toEqual({
      requestLimitInMb: 100,
      bodyTimeoutSeconds: 10,
      acceptTraffic: { memoryThreshold: 50 },
    });
  });

  it('keeps the siblings of a nested setting', () => {
    const { settings } = load({ file: { eventLimits: { maxBatchSize: 3 } } });
    expect(settings.eventLimits).toEqual({
      maxBatchSize: 3,
      maxChannelsAtOnce: 100,
      maxNameLength: 200,
      maxPayloadInKb: 100,
    });
  });

  it('takes a single text for a list, and text for numbers and booleans', () => {
    const { settings } = load({ file: { cors: { origin: 'https://a.example' }, port: '7000', debug: 'yes' } });
    expect(settings).toMatchObject({ cors: { origin: ['https://a.example'] }, port: 7000, debug: true });
  });

  it.each([['ws'], ['/ws'], ['/ws/'], ['//ws//']])('normalises the path prefix %j', (pathPrefix) => {
    expect(load({ file: { pathPrefix } }).settings.pathPrefix).toBe('/ws');
  });

  it('takes a lone slash for no path prefix', () => {
    expect(load({ file: { pathPrefix: '/' } }).settings.pathPrefix).toBe('');
  });

  it('resolves paths of certificates against its own folder, and those of variables against the working directory', () => {
    const cwd = createFolder();
    mkdirSync(path.join(cwd, 'etc'));
    const { settings } = load(
      {
        file: { ssl: { certPath: 'cert.pem', keyPath: '/keys/key.pem' } },
        env: { SOKETI_SSL_CA: 'ca.pem' },
        flags: {},
      },
      cwd,
    );
    expect(settings.ssl).toMatchObject({
      certPath: path.join(cwd, 'cert.pem'),
      keyPath: '/keys/key.pem',
      caPath: path.join(cwd, 'ca.pem'),
    });
  });

  it('means log level debug by debug, unless more is asked for', () => {
    expect(load({ file: { debug: true } }).settings.log.level).toBe('debug');
    expect(load({ file: { debug: true, 'log.level': 'warn' } }).settings.log.level).toBe('debug');
    expect(load({ file: { debug: true, 'log.level': 'trace' } }).settings.log.level).toBe('trace');
  });

  it('warns of a setting that occurs twice, and takes the later one', () => {
    const loaded = load({ file: '{\n"port": 1,\n"port": 2\n}' });
    expect(loaded.settings.port).toBe(2);
    expect(loaded.warnings).toEqual([`port is set twice in ${fileName}: line 3 replaces line 2.`]);
  });

  it('tells where every value comes from', () => {
    const { origins, configFile } = load({
      file: `{\n  "port": 1,\n  "appManager.array.apps": [{ "id": "1", "key": "k", "secret": "s" }]}`,
    });
    expect(path.basename(configFile ?? '')).toBe(fileName);
    expect(path.isAbsolute(configFile ?? '')).toBe(true);
    expect(origins.get('port')).toEqual({ kind: 'file', file: fileName, line: 2, column: 11 });
    expect(origins.get('appManager.array.apps.0.id')).toMatchObject({ kind: 'file', line: 3 });
    expect(origins.has('host')).toBe(false);
  });
});

describe('broken configuration file', () => {
  // Soketi logs a line and starts with app-id, app-key and app-secret on port 6001.
  it.each([
    ['{\n  "port": 6001\n  "host": "x"\n}', `${fileName}:3:3  syntax error: expected a comma, found "\\"host\\"".`],
    ['{ "port": }', `${fileName}:1:11  syntax error: expected a value, found "}".`],
    ['{ port: 1 }', `${fileName}:1:3  syntax error: "port" is not JSON. Texts and names need double quotes.`],
    ['{ "port": 6001', `${fileName}:1:15  syntax error: expected a closing }, the text ends.`],
    [
      '{ "id": 0123 }',
      `${fileName}:1:10  syntax error: a number must not start with 0. Put it in double quotes to keep it as it is.`,
    ],
    ['{} word', `${fileName}:1:4  syntax error: this word is not JSON. Texts and names need double quotes.`],
    ['// nothing', `${fileName}:1:11  syntax error: expected a value, the text ends.`],
    ['', `${fileName}  the file is empty. An empty configuration is {}.`],
    [' \n', `${fileName}  the file is empty. An empty configuration is {}.`],
    ['[]', `${fileName}:1:1  the file: expected an object ({ … }), got a list.`],
    ['"port"', `${fileName}:1:1  the file: expected an object ({ … }), got a text.`],
    ['{"ssl": []}', `${fileName}:1:9  ssl: expected an object ({ … }), got a list.`],
    ['{"adapter": "redis"}', `${fileName}:1:13  adapter: expected an object ({ … }), got a text.`],
  ])('refuses %j', (file, message) => {
    expect(failure({ file })).toBe(message);
  });

  it.each([
    ['without quotes', '{ "secret": hunter2 }', '1:13  syntax error: this word is not JSON.'],
    ['with a colon in it', '{ "secret": hunter2:x }', '1:13  syntax error: this word is not JSON.'],
    ['with a quote in it', '{ "secret": "a"hunter2" }', '1:16  syntax error: this word is not JSON.'],
    [
      'with an escape that is none',
      String.raw`{ "secret": "a\qhunter2" }`,
      '1:13  syntax error: a backslash in this text',
    ],
    ['behind another text', '{ "secret": "a" "hunter2" }', '1:17  syntax error: expected a comma, found a text.'],
  ])('does not show a secret %s', (_, file, message) => {
    expect(failure({ file })).toContain(message);
    expect(failure({ file })).not.toContain('hunter2');
  });

  it('is refused when it is nested deeper than a parser can follow', () => {
    expect(failure({ file: '['.repeat(100_000) })).toBe(`${fileName}:1:101  nested more than 100 levels deep.`);
  });

  it('is refused when it is missing, a folder or unreadable', () => {
    const cwd = createFolder();
    mkdirSync(path.join(cwd, 'folder'));
    expect(failure({ flags: { config: 'missing.json' } }, cwd)).toContain('missing.json  there is no such file.');
    expect(failure({ flags: { config: 'folder' } }, cwd)).toBe('folder  this is a folder, not a file.');
    expect(failure({ flags: { config: '/no/such/file.json' } }, cwd)).toContain('/no/such/file.json  there is no such');
  });

  it('is refused when it can not be read', () => {
    const cwd = createFolder();
    load({ file: {} }, cwd);
    // A file where a folder should be: fails for every user, root included.
    expect(failure({ flags: { config: path.join(fileName, 'below.json') } }, cwd)).toContain('below.json');
  });

  it.each([
    [{ prot: 1 }, 'prot: unknown setting. Did you mean port?'],
    [{ max_frame_bytes: 1 }, 'max_frame_bytes: unknown setting. Did you mean maxFrameBytes?'],
    [{ 'presence.maxMember': 1 }, 'presence.maxMember: unknown setting. Did you mean maxMembersPerChannel?'],
    [
      { presence: { maxMembersPerChanel: 1 } },
      'presence.maxMembersPerChanel: unknown setting. Did you mean maxMembersPerChannel?',
    ],
    [{ requestLimitInMb: 1 }, 'requestLimitInMb: unknown setting. Did you mean httpApi.requestLimitInMb?'],
    [{ enableClientMessages: true }, 'Did you mean appManager.array.apps[].enableClientMessages?'],
    [{ 'port.x': 1 }, 'port.x: unknown setting.'],
    [{ metrics: { prometheus: { prefx: '' } } }, 'metrics.prometheus.prefx: unknown setting. Did you mean prefix?'],
    [{ 'completely different': 1 }, '"completely different": unknown setting.'],
    [{ constructor: 1 }, 'constructor: unknown setting.'],
    [{ 'presence.toString': 1 }, 'presence.toString: unknown setting.'],
    [{ '': 1 }, '"": unknown setting.'],
  ])('names the unknown setting in %j', (file, message) => {
    expect(failure({ file: { ...file, ...oneApp } })).toContain(message);
  });

  it('shows a number that is too large to be one as it is written', () => {
    expect(failure({ file: '{"port": 1e400}' })).toContain('port: expected a whole number from 0 to 65535, got 1e400.');
  });

  it('takes __proto__ for an unknown setting like any other', () => {
    expect(failure({ file: '{"__proto__": {"port": 1}}' })).toContain('__proto__: unknown setting.');
    expect(failure({ file: '{"__proto__.port": 1}' })).toContain('__proto__.port: unknown setting.');
    expect(failure({ file: '{"presence": {"__proto__": 1}}' })).toContain('presence.__proto__: unknown setting.');
    expect(failure({ file: '{"appManager.array.apps": [{"__proto__": {}}]}' })).toContain(
      '[0].__proto__: unknown setting.',
    );
    expect(Object.hasOwn(Object.prototype, 'port')).toBe(false);
  });

  it.each([
    [{ port: 'six' }, 'port: expected a whole number from 0 to 65535, got "six".'],
    [{ port: 70_000 }, 'port: expected a whole number from 0 to 65535, got 70000.'],
    [{ activityTimeoutSeconds: 901 }, 'activityTimeoutSeconds: expected a whole number from 1 to 900, got 901.'],
    [{ port: 1.5 }, 'port: expected a whole number from 0 to 65535, got 1.5.'],
    [{ port: null }, 'port: expected a whole number from 0 to 65535, got null.'],
    [{ port: [1] }, 'port: expected a whole number from 0 to 65535, got a list.'],
    [{ debug: 2 }, 'debug: expected true or false, got 2.'],
    [{ host: { a: 1 } }, 'host: expected a text, got an object.'],
    [{ pathPrefix: '/a b' }, 'pathPrefix: must be a URL path, without spaces, ? and #, got "/a b".'],
    [
      { 'log.level': 'wran' },
      'expected one of trace, debug, info, warn, error, fatal, silent, got "wran". Did you mean warn?',
    ],
    [{ 'cors.origin': [true] }, 'cors.origin: expected a list of texts, got a list.'],
    [
      { 'clientEvents.maxPerSecondPerConnection': -2 },
      'expected a whole number of at least 0, or -1 for no limit, got -2.',
    ],
    [{ 'ssl.passphrase': true }, 'ssl.passphrase: expected a text, got •••.'],
    [{ 'ssl.certPath': 'cert.pem' }, 'ssl.certPath: TLS needs ssl.keyPath, too.'],
    [{ 'ssl.keyPath': 'key.pem' }, 'ssl.keyPath: TLS needs ssl.certPath, too.'],
    [{ userAuthenticationTimeout: 3e9 }, 'expected a whole number from 1 to 2147483647, got 3000000000.'],
  ])('says what is wrong with the value in %j', (file, message) => {
    expect(failure({ file: { ...oneApp, ...file } })).toContain(message);
  });

  it.each(['cluster', 'nats', 'Redis'])(
    'is refused when it asks for the adapter %s, which would be a split brain',
    (driver) => {
      expect(failure({ file: { adapter: { driver } } })).toContain(
        `adapter.driver: "${driver}" is not possible: this version reaches other processes through Redis only`,
      );
    },
  );

  it('is refused when its apps are in a database', () => {
    expect(failure({ file: { 'appManager.driver': 'dynamodb' } })).toContain(
      'appManager.driver: "dynamodb" is not possible: this version takes apps from its configuration or from these databases only',
    );
  });

  it('is reported with all problems of all sources at once', () => {
    const message = failure({
      file: '{\n"prot": 1,\n"host": 5.5,\n"debug": "maybe"}',
      env: { SOKETI_PORT: 'abc', KULKUL_NOPE: '1' },
      dotenv: 'KULKUL_DEBUG=perhaps',
      flags: { port: '-1' },
    });
    expect(message.split('\n')).toEqual([
      `${fileName}:2:1  prot: unknown setting. Did you mean port?`,
      `${fileName}:4:10  debug: expected true or false, got "maybe".`,
      'SOKETI_PORT  port: expected a whole number from 0 to 65535, got "abc".',
      '.env: KULKUL_DEBUG  debug: expected true or false, got "perhaps".',
      'KULKUL_NOPE  unknown variable.',
      '--port  port: expected a whole number from 0 to 65535, got "-1".',
    ]);
  });
});
