import type { LoadedConfig } from '../config/index.ts';
import { foreign } from '../log.ts';
import { AdminClient } from './admin-client.ts';
import { accessOf, onlyApp } from './admin-command.ts';
import type { AdminAppFlags } from './admin-flags.ts';
import { print, runCommand } from './exit.ts';
import type { UsersAction } from './users-flags.ts';

/**
 * Carries out `kulkul users …` and prints what came of it.
 *
 * @param load - the configuration; not called where the flags say all
 */
export async function usersCommand(
  action: UsersAction,
  userId: string,
  flags: AdminAppFlags,
  load: () => LoadedConfig,
): Promise<void> {
  await runCommand(async () => {
    const api = new AdminClient(accessOf(flags, load));
    const appId = flags.app ?? (await onlyApp(api));
    const path = `/apps/${encodeURIComponent(appId)}/users/${encodeURIComponent(userId)}`;
    const shown = await api.call('GET', path);
    const connections = Number(shown.connections);
    const answer = action === 'show' ? shown : await api.call('POST', `${path}/${ROUTES[action]}`);
    print(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : textOf(action, userId, connections));
  });
}

const ROUTES = { reconnect: 'force_reconnect', terminate: 'terminate' } as const;

function textOf(action: UsersAction, userId: string, connections: number): string {
  const user = foreign(userId);
  if (connections === 0) return `${user} is not signed in.\n`;
  const count = `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  switch (action) {
    case 'show':
      return `${user} is signed in on ${count}.\n`;
    case 'reconnect':
      return `Sent to reconnect: ${count} of ${user}.\n`;
    case 'terminate':
      return `Ended: ${count} of ${user}.\n`;
  }
}
