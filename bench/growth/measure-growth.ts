import type { Contenders } from '../contenders.ts';
import type { Line, Panel, Point } from '../plot.ts';
import { type Bench, takeSample } from '../rounds.ts';
import type { Contender } from '../servers/contender.ts';
import { spreadOf } from '../statistics.ts';
import type { Curve } from './curve.ts';
import { CURVES } from './curves.ts';

/** Measures all curves, of the floor and of Kulkul: servers take turns at each point. */
export async function measureGrowth(bench: Bench, contenders: Contenders, isQuick: boolean): Promise<Panel[]> {
  const panels: Panel[] = [];
  for (const curve of CURVES) {
    const { title, x, y } = curve;
    panels.push({ title, x, y, lines: await measureCurve(bench, contenders, curve, isQuick) });
  }
  return panels;
}

async function measureCurve(
  bench: Bench,
  contenders: Contenders,
  curve: Curve,
  isQuick: boolean,
): Promise<readonly Line[]> {
  const lines = new Map<string, Point[]>();
  for (const x of isQuick ? curve.quickXs : curve.xs) {
    const servers = curve.isOverNodes ? [contenders.nodes(x)] : [contenders.floor, contenders.kulkul];
    const values = await measurePoint(bench, curve, x, servers);
    servers.forEach((server, index) => {
      const name = curve.isOverNodes ? 'kulkul' : server.name;
      lines.set(name, [...(lines.get(name) ?? []), { x, ...spreadOf(values[index] ?? []) }]);
    });
  }
  return [...lines].map(([name, points]) => ({ name, points }));
}

/** @returns y of each round, by server */
async function measurePoint(
  bench: Bench,
  curve: Curve,
  x: number,
  servers: readonly Contender[],
): Promise<readonly (readonly number[])[]> {
  const values = servers.map((): number[] => []);
  for (let round = 0; round < bench.rounds; round += 1) {
    const order = round % 2 === 0 ? [...servers] : [...servers].reverse();
    for (const server of order) {
      bench.onProgress(`${curve.name}: ${x} ${curve.x}, round ${round + 1} of ${bench.rounds}, ${server.name}`);
      const { y = Number.NaN } = await takeSample(bench, curve, server, { curve: curve.name, x });
      values[servers.indexOf(server)]?.push(y);
    }
  }
  return values;
}
