import { isJsonObject, parseJson } from '../protocol/json.ts';
import type { BrokerMessage } from './broker.ts';
import { isRevocation, type Revocation } from './revocations.ts';

/** The channel that every node listens to. It belongs to no app, and no client can name it. */
export const CONTROL_APP = '';
export const CONTROL_CHANNEL = '#nodes';

/** Whether a channel is the one that every node listens to. */
export function isControl(appId: string, channel: string): boolean {
  return channel === CONTROL_CHANNEL && appId === CONTROL_APP;
}

/** What nodes tell each other, whatever apps they serve: rare, and never an event. */
export type ControlMessage =
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  /** Look again at these apps; null: at all. */
  | { readonly kind: 'apps-changed'; readonly ids: readonly string[] | null };

export function createControlMessage(message: ControlMessage): BrokerMessage {
  return { appId: CONTROL_APP, channel: CONTROL_CHANNEL, frame: JSON.stringify(message) };
}

/** @returns undefined for anything else: what comes from Redis may have been put there by anybody */
export function parseControlMessage(frame: string): ControlMessage | undefined {
  const message = parseJson(frame);
  if (!isJsonObject(message)) return undefined;
  const { kind, ids, revocation } = message;
  if (kind === 'revoked') return isRevocation(revocation) ? { kind, revocation } : undefined;
  if (kind !== 'apps-changed') return undefined;
  if (ids === null) return { kind, ids };
  return isTexts(ids) ? { kind, ids } : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
