import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { appOptions, appsPath, settings } from '../../../server/config/catalogue.ts';
import { renderConfigSchema } from '../../../server/config/json-schema.ts';
import { failure, load } from './load.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const text = renderConfigSchema();
type Schema = { readonly properties: Readonly<Record<string, Schema & { readonly description: string }>> };
const schema = JSON.parse(text) as Schema;
const validate = new Ajv({ strict: true, allowUnionTypes: true, formats: { uri: true } }).compile(schema);
/** What an editor would complain of. */
const complaints = (file: unknown): unknown => (validate(file) ? [] : validate.errors);

const app = { id: '1', key: 'k', secret: 's' };

/** The files that the package ships and its examples start with. */
function samples(): string[] {
  const folders = readdirSync(path.join(root, 'examples')).map((name) => path.join('examples', name));
  const files = folders.flatMap((folder) =>
    ['kulkul.json', 'soketi.json', 'server/kulkul.json'].map((name) => path.join(folder, name)),
  );
  return ['soketi.config.json', ...files.filter((file) => existsSync(path.join(root, file)))];
}

describe('docs/config.schema.json', () => {
  it('says what the schema says (npm run docs:config rewrites it)', () => {
    expect(readFileSync(path.join(root, 'docs/config.schema.json'), 'utf8')).toBe(text);
  });

  it('is part of the package', () => {
    const { files } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { files: string[] };
    expect(files).toContain('docs');
  });

  it('lists each setting, and each option of an app, with what it means', () => {
    for (const { path: name, meta } of settings.values()) {
      const found = name.split('.').reduce<Schema | undefined>((inner, part) => inner?.properties[part], schema);
      expect(found, name).toMatchObject({ description: expect.stringContaining(meta.description) });
    }
    const apps = appsPath.split('.').reduce<Schema | undefined>((inner, part) => inner?.properties[part], schema);
    const { anyOf } = apps as unknown as { anyOf: [{ items: Schema }] };
    for (const { path: name, meta } of appOptions.values()) {
      expect(anyOf[0].items.properties[name]?.description, name).toContain(meta.description);
    }
  });

  it.each(samples())('takes %s', (file) => {
    expect(complaints(parse(readFileSync(path.join(root, file), 'utf8')))).toEqual([]);
  });

  it.each<object>([
    {},
    { $schema: './x.json', port: '6001', debug: 'true', host: '', 'presence.maxMembersPerChannel': 5 },
    { appId: 7, appKey: 'k', appSecret: 's', cors: { origin: '*' }, workers: 'auto' },
    { database: { redis: { tls: { ca: 'x' }, password: null, sentinels: ['a:1'], family: 6 } } },
    { metrics: { enabled: true }, adapter: { driver: 'redis', nats: { prefix: 'x' } } },
    { appManager: { array: { apps: [{ ...app, MaxConnections: 5, max_event_batch_size: null, cacheTtl: '5' }] } } },
    { appManager: { array: { apps: [{ ...app, channels: [{ name: 'a', subscribe: 'token' }] }] } } },
  ])('takes what the parser takes: %j', (file) => {
    expect(load({ file }).apps.length).toBeGreaterThan(0);
    expect(complaints(file)).toEqual([]);
  });

  it.each<object>([
    { prot: 1 },
    { port: 70_000 },
    { port: 'six' },
    { presence: { maxMember: 1 } },
    { log: { level: 'wran' } },
    { cors: { origin: 5 } },
    { appManager: { array: { apps: [{ ...app, maxConnection: 1 }] } } },
    { appManager: { array: { apps: [{ ...app, feeds: [{ path: '/a' }] }] } } },
  ])('refuses what the parser refuses: %j', (file) => {
    expect(failure({ file })).not.toBe('');
    expect(complaints(file)).not.toEqual([]);
  });
});
