import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FAMILY_NAMES, type Family, familyOf, SOKETI_VIEWS } from '../../../server/metrics/families.ts';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/observability.md', ROOT), 'utf8');

function row(name: string, { type, labels, help }: Family): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}

test('docs/observability.md lists every metric with its type, labels and meaning, and no other', () => {
  const rows = [
    ...FAMILY_NAMES.map((name) => {
      const family = familyOf(name);
      const isOwn = name.startsWith('kulkul_');
      return isOwn ? row(name, family) : row(`soketi_${name}`, { ...family, labels: [...family.labels, 'port'] });
    }),
    ...SOKETI_VIEWS.map((view) => row(`soketi_${view.name}`, { ...view, labels: ['app_id', 'port'] })),
  ];
  const listed = PAGE.split('\n').filter((line) => /^\| `(kulkul|soketi)_/.test(line));
  expect(listed.sort()).toEqual(rows.sort());
});

test('it says what to do about each alert', () => {
  const rules = readFileSync(new URL('deploy/observability/alerts.yaml', ROOT), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const explained = [...PAGE.matchAll(/^\| `(Kulkul\w+)` \| .{20,} \| .{20,} \|$/gm)].map(([, name]) => name);
  expect(explained).toEqual(alerts);
});

test("no name of Kulkul's is one of Soketi's, whatever the prefix of those is", () => {
  const soketis = [
    ...SOKETI_VIEWS.map(({ name }) => name),
    ...FAMILY_NAMES.filter((name) => !name.startsWith('kulkul_')),
  ];
  const own = FAMILY_NAMES.flatMap((name) => (name.startsWith('kulkul_') ? name.slice('kulkul_'.length) : []));
  expect(own.filter((name) => soketis.includes(name))).toEqual([]);
});
