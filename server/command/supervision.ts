import type { Credentials } from '../config/credentials.ts';
import type { Settings } from '../config/index.ts';

/**
 * Version of the messages below. The supervising process stays when a new version of the package is installed, so the processes that it starts may be of
 * another version than itself.
 */
export const SUPERVISION_VERSION = 1;

/** From the supervising process to the broker that it started. */
export type SupervisorMessage =
  /** When repeated: at once. */
  | { readonly kind: 'stop'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'reload' }
  /** The next broker listens on the port: disconnect the clients, and exit. */
  | { readonly kind: 'leave' };

/** From the broker to the supervising process. */
export interface ListeningMessage {
  readonly kind: 'listening';
  readonly port: number;
  /** The operator's log settings, for the supervising process. */
  readonly log: Settings['log'];
}

/** What the supervising process tells a broker by a flag of the command, as JSON. */
export interface Supervision {
  readonly version: number;
  /** Port of the broker whose place this one takes; null for the first. */
  readonly port: number | null;
  /** That one still listens, and leaves when this one does. */
  readonly isTakeover: boolean;
}

/** @throws {Error} a supervising process of another version, whose messages this one does not know */
export function parseSupervision(text: string): Supervision {
  const supervision = JSON.parse(text) as Supervision;
  if (supervision.version === SUPERVISION_VERSION) return supervision;
  throw new Error(
    `the supervising process has another version of Kulkul (${supervision.version}, this one knows ${SUPERVISION_VERSION}): restart it as a whole`,
  );
}

/** Carries the credentials of the app that is made when none is configured: they are good for this run, which several brokers are part of. */
const MADE_APP_VARIABLE = 'SUPERVISED_APP';

export function writeMadeApp(env: NodeJS.ProcessEnv, app: Credentials): NodeJS.ProcessEnv {
  return { ...env, [MADE_APP_VARIABLE]: JSON.stringify(app) };
}

export function readMadeApp(env: NodeJS.ProcessEnv): Credentials | undefined {
  const text = env[MADE_APP_VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Credentials);
}
