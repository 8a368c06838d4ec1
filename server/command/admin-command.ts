import type { LoadedConfig } from '../config/index.ts';
import { type AdminAccess, type AdminClient, adminAccess, adminTokenOf } from './admin-client.ts';
import type { AdminFlags } from './admin-flags.ts';
import { UsageError } from './exit.ts';

const MAX_IDS_SHOWN = 20;

/**
 * Where the admin API is.
 *
 * @param load - the configuration; not called where the flags say all
 * @throws {AdminCallError} there is none
 */
export function accessOf({ url, token }: AdminFlags, load: () => LoadedConfig): AdminAccess {
  if (url !== undefined && token !== undefined) return { url, token };
  const { settings } = load();
  if (url !== undefined) return { url, token: adminTokenOf(settings.admin) };
  const access = adminAccess(settings);
  return token === undefined ? access : { ...access, token };
}

/**
 * The id of the only app that the broker has.
 *
 * @throws {UsageError} there are several, or none
 */
export async function onlyApp(api: AdminClient): Promise<string> {
  const { apps } = await api.call('GET', `/apps?limit=${MAX_IDS_SHOWN}`);
  const ids = (apps as readonly { readonly id: string }[]).map(({ id }) => id);
  const [first] = ids;
  if (first !== undefined && ids.length === 1) return first;
  if (first === undefined) throw new UsageError('the broker has no apps');
  throw new UsageError(`which app is meant? Add --app with an id: ${ids.join(', ')}`);
}
