import type { Alarm } from './alarms.ts';

export interface Limits {
  readonly warning: readonly [low: number | null, high: number | null];
  readonly alarm: readonly [low: number | null, high: number | null];
}

export interface Tag {
  readonly tag: string;
  readonly unit: string;
  readonly limits: Limits;
}

/** How the plant is, and was in the last half minute. */
export interface Plant {
  readonly tags: readonly Tag[];
  readonly history: readonly { readonly at: number; readonly means: Readonly<Record<string, number>> }[];
  readonly alarms: readonly Alarm[];
}

const NOTHING: Plant = { tags: [], history: [], alarms: [] };
const PATIENCE_MS = 2000;

/** The page works without it, too: it knows of a tag when its first reading comes. */
export async function readPlant(): Promise<Plant> {
  try {
    const answer = await fetch('/api/plant', { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? ((await answer.json()) as Plant) : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** @returns what went wrong, in words; undefined when it is done */
export async function acknowledge(tag: string, by: string): Promise<string | undefined> {
  try {
    const answer = await fetch('/api/acknowledge', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ tag, by }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.ok) return undefined;
    const { error = `The plant answered ${answer.status}.` } = (await answer.json()) as { error?: string };
    return error;
  } catch {
    return 'The plant does not answer: nothing was acknowledged.';
  }
}
