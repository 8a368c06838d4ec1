import type { AdminTokenOptions } from '../config/admin-tokens.ts';

/** Who uses the admin API, and what they may. */
export interface Operator {
  /** Of the token; `this machine` without one. */
  readonly name: string;
  /** `read`: look. `all`: look and change. */
  readonly access: AdminTokenOptions['access'];
  /** Ids of the apps that it is about; undefined: all, and what is about none. */
  readonly apps: readonly string[] | undefined;
}

/** A program, or a page of this API, on a machine whose broker asks for no token. */
export const THIS_MACHINE: Operator = { name: 'this machine', access: 'all', apps: undefined };

/** Who has `admin.token`. */
export const ADMINISTRATOR: Operator = { name: 'admin', access: 'all', apps: undefined };

/** Whether somebody may see what an app has and does. */
export function maySee({ apps }: Operator, appId: string): boolean {
  return apps === undefined || apps.includes(appId);
}
