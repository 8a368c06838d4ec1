import type { Logger } from '../log.ts';

/** A change that was made. */
export interface AuditedChange {
  /** Name of the token. */
  readonly who: string;
  /** Method and path, which hold no secrets; or a sentence. */
  readonly what: string;
  /** Id of the app that it is about; undefined: of none, or all. */
  readonly app: string | undefined;
  /** Address of whoever is connected. */
  readonly from: string;
}

export type Audit = (change: AuditedChange) => void;

/** Writes a line for each change. */
export function logAudit(log: Logger): Audit {
  return (audit) => log.info({ audit }, 'changed over the admin API');
}
