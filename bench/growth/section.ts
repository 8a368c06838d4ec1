import type { Panel } from '../plot.ts';
import { amount, header, type Report } from '../report.ts';

export const GROWTH_TITLE = '## Growth';

/** The section of docs/benchmarks.md that shows the plot, and its numbers. */
export function growthSection(facts: Omit<Report, 'workloads'>, panels: readonly Panel[]): string {
  const tables = panels.map(({ x, y, lines }) => {
    const rows = (lines[0]?.points ?? []).map((point, index) => {
      const cells = lines.map(({ points }) => {
        const { median = Number.NaN, lowest = Number.NaN, highest = Number.NaN } = points[index] ?? {};
        return `${amount(median)} (${amount(lowest)} – ${amount(highest)})`;
      });
      return `| ${point.x.toLocaleString('en-US')} | ${cells.join(' | ')} |`;
    });
    const head = `| ${x}: ${y} | ${lines.map(({ name }) => name).join(' | ')} |`;
    return [head, `| ---: |${' ---: |'.repeat(lines.length)}`, ...rows].join('\n');
  });
  return [
    GROWTH_TITLE,
    'What each cost depends on, and what not (`npm run bench -- growth`). Points are medians, the thin lines show how far the rounds lie apart. A cost per delivery ' +
      'or per subscription that stays flat means that large channels, many channels and further nodes are free of charge.',
    '![Cost of deliveries, events and subscriptions, and memory, against how many there are](growth.svg)',
    '<details><summary>The numbers</summary>',
    ...tables,
    '</details>',
    header(facts).join('  \n'),
  ].join('\n\n');
}
