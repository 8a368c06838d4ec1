import { fileURLToPath } from 'node:url';
import type { Scripts } from './compile.ts';
import { type Contender, floor, kulkul, type Need } from './servers/contender.ts';
import { coalescingFor, nodesOnRedis, workersOf } from './servers/deployments.ts';
import { installSoketi, isSoketiInstalled, soketi } from './servers/soketi.ts';
import type { Workload } from './workloads/workload.ts';

export interface Opponents {
  /** True: installed if it is not there. False: left out. Undefined: if it is there. */
  readonly soketi: boolean | undefined;
  /** Other builds of Kulkul, and servers at a URL. */
  readonly others: readonly Contender[];
}

/** Everybody who takes part in a run. */
export class Contenders {
  readonly floor: Contender;
  readonly kulkul: Contender;
  /** It tells the subscribers of a channel how many they are. */
  readonly #counting: Contender;
  readonly #others: readonly Contender[];
  readonly #script = fileURLToPath(new URL('../dist/server/main.js', import.meta.url));
  readonly #hasSoketi: boolean;

  constructor(scripts: Scripts, { soketi: wantsSoketi, others }: Opponents, onProgress: (text: string) => void) {
    this.floor = floor(scripts.floor);
    this.kulkul = kulkul('kulkul', this.#script);
    this.#counting = kulkul('kulkul', this.#script, {}, { enableSubscriptionCountEvents: true });
    if (wantsSoketi && !isSoketiInstalled()) installSoketi(onProgress);
    this.#hasSoketi = wantsSoketi !== false && isSoketiInstalled();
    this.#others = this.#hasSoketi ? [...others, soketi()] : others;
  }

  /** Names with versions, for the header. */
  get versions(): readonly string[] {
    return this.#others.flatMap(({ name, version }) => (version === undefined ? [] : [`${name} ${version}`]));
  }

  /** Those that can do a workload, the reference first; none when no broker can. */
  for({ deployments, needs = [] }: Pick<Workload, 'deployments' | 'needs'>): readonly Contender[] {
    // What a floor would have to do to stand it is what a broker does beyond the floor.
    if (deployments === 'alone') return [this.#counting, ...this.#others.filter((contender) => contender.has('plain'))];
    if (deployments === 'workers') return workersOf((name, settings) => kulkul(name, this.#script, settings));
    if (deployments === 'coalescing') {
      const waiting = coalescingFor([0, 2, 5, 10], (name, app) => kulkul(name, this.#script, {}, app));
      return [this.floor, ...waiting];
    }
    if (deployments === 'cluster') return [this.nodes(3)];
    if (deployments === 'clusters') {
      return this.#hasSoketi ? [this.nodes(3), nodesOnRedis('soketi', soketi)] : [this.nodes(3)];
    }
    const wanted: readonly Need[] = needs.includes('tls') ? needs : [...needs, 'plain'];
    const able = [this.kulkul, ...this.#others].filter((contender) => wanted.every((need) => contender.has(need)));
    return able.length > 0 ? [this.floor, ...able] : [];
  }

  /** Kulkul on so many nodes. */
  nodes(count: number): Contender {
    return nodesOnRedis('kulkul', (name, settings) => kulkul(name, this.#script, settings), count);
  }
}
