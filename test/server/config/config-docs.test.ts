import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { appOptions, settings } from '../../../server/config/catalogue.ts';
import { loadConfig, renderConfigDocs } from '../../../server/config/index.ts';

const root = path.resolve(import.meta.dirname, '../../..');

describe('docs/config.md', () => {
  it('says what the schema says (npm run docs:config rewrites it)', () => {
    expect(readFileSync(path.join(root, 'docs/config.md'), 'utf8')).toBe(renderConfigDocs());
  });

  it('names every setting and option with its variables', () => {
    const docs = renderConfigDocs();
    for (const { path: name, variable, meta } of [...settings.values(), ...appOptions.values()]) {
      const row = docs.split('\n').find((line) => line.startsWith(`| \`${name}\` | \`${variable}\``));
      expect(row, name).toBeDefined();
      expect(row).toContain(meta.description.replaceAll('|', '\\|'));
      if (meta.soketi !== undefined) expect(row).toContain(meta.soketi);
    }
  });
});

describe('soketi.config.json of the repository', () => {
  it('loads without warnings and listens on this machine only', () => {
    const loaded = loadConfig({ flags: { config: 'soketi.config.json' }, env: {}, cwd: root });
    expect(loaded.warnings).toEqual([]);
    expect(loaded.settings).toMatchObject({ host: '127.0.0.1', port: 6001 });
    expect(loaded.apps).toMatchObject([
      { id: '12345', keys: [{ key: 'scada_dashboard_key_2024' }], enableClientMessages: true },
    ]);
  });
});
