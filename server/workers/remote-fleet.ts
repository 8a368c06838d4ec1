import { SeamUnavailable } from '../../channels/broker.ts';
import type { Revocation } from '../../channels/revocations.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { AppUsage, Fleet } from '../admin/fleet.ts';
import type { Readiness } from '../http/health.ts';

/** A call of the fleet as it goes to a worker. */
export type FleetCall = { readonly [C in keyof Fleet]: readonly [call: C, ...args: Parameters<Fleet[C]>] }[keyof Fleet];

/** What came of it. `unavailable`: a seam could not do it just now; `refused`: whoever asked did something wrong. */
export type FleetAnswer =
  | { readonly outcome: 'done'; readonly value?: unknown }
  | {
      readonly outcome: 'refused';
      readonly error: { readonly id: string; readonly status: number; readonly message: string };
    }
  | { readonly outcome: 'unavailable' | 'failed'; readonly reason: string };

/** The fleet as the main process reaches it: through a worker. */
export class RemoteFleet implements Fleet {
  readonly #ask: (call: FleetCall) => Promise<unknown>;

  /** @param ask - has a worker carry a call out */
  constructor(ask: (call: FleetCall) => Promise<unknown>) {
    this.#ask = ask;
  }

  async announceApps(ids: readonly string[] | null): Promise<void> {
    await this.#ask(['announceApps', ids]);
  }

  async revoke(revocation: Omit<Revocation, 'atMs'>): Promise<void> {
    await this.#ask(['revoke', revocation]);
  }

  async terminateUser(appId: string, userId: string): Promise<void> {
    await this.#ask(['terminateUser', appId, userId]);
  }

  async readiness(): Promise<Readiness> {
    return (await this.#ask(['readiness'])) as Readiness;
  }

  async usage(appId: string): Promise<AppUsage> {
    // Both ends are this program.
    return (await this.#ask(['usage', appId])) as AppUsage;
  }
}

/** Carries a call out on the fleet of this process. */
export async function answerCall(fleet: Fleet | undefined, [call, ...args]: FleetCall): Promise<FleetAnswer> {
  if (!fleet) return { outcome: 'unavailable', reason: 'this worker is not started' };
  try {
    return { outcome: 'done', value: await Reflect.apply(fleet[call], fleet, args) };
  } catch (error) {
    if (error instanceof ApiError) {
      const { id, status, message } = error;
      return { outcome: 'refused', error: { id, status, message } };
    }
    if (error instanceof SeamUnavailable) return { outcome: 'unavailable', reason: error.detail };
    return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws {SeamUnavailable | ApiError | Error} what the worker could not do it for */
export function resultOf(answer: FleetAnswer): unknown {
  switch (answer.outcome) {
    case 'done':
      return answer.value;
    case 'refused': {
      const { error } = answer;
      throw new ApiError(error.id, error.status, error.message);
    }
    case 'unavailable':
      throw new SeamUnavailable(answer.reason);
    case 'failed':
      throw new Error(`a worker failed: ${answer.reason}`);
  }
}
