import type { App } from '../../channels/app.ts';
import { quote } from '../../protocol/json.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import { AppStoreUnavailable } from '../apps/app-store.ts';
import { createAppDirectory } from '../apps/create-app-directory.ts';
import { AppStoreStartError } from '../apps/sql-errors.ts';
import type { LoadedConfig } from '../config/index.ts';
import { silentLog } from '../log.ts';
import { signDevelopmentToken } from './development-token.ts';
import { EXIT_FAILURE, EXIT_USAGE, fail, print } from './exit.ts';
import type { TokenFlags } from './token-flags.ts';
import { DevelopmentTokenError } from './token-values.ts';

const MAX_IDS_SHOWN = 20;
const DEFAULT_TTL_SECONDS = 3600;

/** Prints a token that an app takes. */
export async function tokenCommand({ settings, apps }: LoadedConfig, flags: TokenFlags): Promise<void> {
  let directory: AppDirectory | undefined;
  try {
    // Standard output is for the token.
    directory = await createAppDirectory({ settings, apps, log: silentLog() });
    print(`${await createToken(directory, flags, Date.now() / 1000)}\n`);
  } catch (error) {
    if (error instanceof DevelopmentTokenError) fail(error.message, EXIT_USAGE);
    if (error instanceof AppStoreUnavailable) fail(error.detail, EXIT_FAILURE);
    if (error instanceof AppStoreStartError) fail(error.message, EXIT_FAILURE);
    throw error;
  } finally {
    await directory?.close();
  }
}

/**
 * The token that is asked for.
 *
 * @throws {DevelopmentTokenError} with words for whoever called the command
 */
async function createToken(apps: AppDirectory, flags: TokenFlags, nowSeconds: number): Promise<string> {
  const { sub: userId, role: roles = [], ttl: ttlSeconds = DEFAULT_TTL_SECONDS, info: userInfo, claim = [] } = flags;
  const app = await findApp(apps, flags.app);
  return signDevelopmentToken(app, { userId, roles, ttlSeconds, userInfo, claims: new Map(claim) }, nowSeconds);
}

async function findApp(apps: AppDirectory, name: string | undefined): Promise<App> {
  if (name === undefined) {
    const app = await apps.only();
    if (app !== undefined) return app;
    throw new DevelopmentTokenError(`which app is meant? Add --app with an id or a key${knownApps(apps)}`);
  }
  const app = (await apps.byKey(name)) ?? (await apps.byId(name));
  if (app !== undefined) return app;
  throw new DevelopmentTokenError(`there is no app with the key or id ${quote(name, 64)}${knownApps(apps)}`);
}

function knownApps({ knownIds }: AppDirectory): string {
  if (knownIds.length === 0) return '';
  const more = knownIds.length > MAX_IDS_SHOWN ? ', …' : '';
  return `; the ids of apps are: ${knownIds.slice(0, MAX_IDS_SHOWN).join(', ')}${more}`;
}
