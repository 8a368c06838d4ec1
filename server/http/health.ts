import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import { STORE_AWAY } from '../apps/app-store.ts';
import type { Problem } from '../seams.ts';
import { processUsage, sumUsage, type Usage } from '../usage.ts';
import { type Answer, json, text } from './answer.ts';

/** What can be asked about a broker. */
export type HealthCheck = 'alive' | 'up' | 'ready' | 'accept-traffic' | 'usage';

/** The other workers of this broker, as far as health is concerned. */
export interface OtherWorkers {
  /** Whether all of them listen, or did: one that is replaced later doesn't count. */
  readonly areStarted: boolean;
  /** Of all together, a moment ago; undefined while it is not known. */
  readonly latestUsage: Usage | undefined;
  /** Of all together, now. */
  usage(): Promise<Usage>;
}

/** By this text another process knows that the port will be free soon. */
export const STOPPING_PROBLEM = 'Not ready: stopping, connections are being moved away';

/** Whether a node should get new connections. */
export interface Readiness {
  readonly isReady: boolean;
  /** Why not, or `OK`, with what works less well. */
  readonly reason: string;
}

export interface HealthParts {
  readonly node: Node;
  readonly memoryThresholdPercent: number;
  /** Why the seams are not fit, or undefined. */
  readonly seamsProblem: () => Problem | undefined;
  /** Why no more connections can be taken, or undefined. */
  readonly capacityProblem: () => string | undefined;
  readonly apps: Pick<AppDirectory, 'problem' | 'knownIds'>;
  readonly otherWorkers: OtherWorkers | undefined;
}

/** What load balancers and people ask to learn whether this broker is well. */
export class Health {
  readonly #parts: HealthParts;
  isStarted = false;
  isStopping = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** @param isTrusted - who asks may know addresses and errors of what this broker needs */
  answer(check: HealthCheck, isTrusted: boolean): MaybePromise<Answer> {
    switch (check) {
      case 'alive':
        return text('OK');
      case 'up':
        return json({ health: 'OK' });
      case 'ready':
      case 'accept-traffic': {
        const { isReady, reason } = this.readiness(isTrusted);
        return text(reason, isReady ? 200 : 503);
      }
      case 'usage':
        return after<Usage, Answer>(this.#parts.otherWorkers?.usage() ?? this.#ownUsage(), json);
    }
  }

  /** Whether this node should get new connections. */
  readiness(isTrusted: boolean): Readiness {
    const problem = this.#problem(isTrusted);
    return problem === undefined
      ? { isReady: true, reason: this.#notice(isTrusted) }
      : { isReady: false, reason: problem };
  }

  #problem(isTrusted: boolean): string | undefined {
    const { otherWorkers, seamsProblem, capacityProblem, apps, memoryThresholdPercent } = this.#parts;
    if (!this.isStarted || otherWorkers?.areStarted === false) return 'Not ready: starting';
    if (this.isStopping) return STOPPING_PROBLEM;
    const seams = seamsProblem();
    if (seams !== undefined) return `Not ready: ${isTrusted ? seams.detail : seams.text}`;
    const store = this.#storeProblem(isTrusted);
    if (store !== undefined && apps.knownIds.length === 0) return `Not ready: ${store}`;
    const capacity = capacityProblem();
    if (capacity !== undefined) return `Not ready: ${capacity}`;
    const { percent } = (otherWorkers?.latestUsage ?? this.#ownUsage()).memory;
    if (percent <= memoryThresholdPercent) return undefined;
    const limit = `${memoryThresholdPercent} % (httpApi.acceptTraffic.memoryThreshold)`;
    return `Not ready: ${percent} % of the memory is in use, threshold ${limit}`;
  }

  /** Where known apps work, a load balancer must not take all nodes out because others can't be looked up. */
  #notice(isTrusted: boolean): string {
    const problem = this.#storeProblem(isTrusted);
    return problem === undefined ? 'OK' : `OK for apps that are known; ${problem}`;
  }

  #storeProblem(isTrusted: boolean): string | undefined {
    const { problem } = this.#parts.apps;
    return problem === undefined || isTrusted ? problem : STORE_AWAY;
  }

  #ownUsage(): Usage {
    return sumUsage([processUsage(this.#parts.node)]);
  }
}
