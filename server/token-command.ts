import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../channels/app.ts';
import { quote } from '../protocol/json.ts';
import type { AppDirectory } from './apps/app-directory.ts';
import {
  DevelopmentTokenError,
  parseClaim,
  parseTtl,
  parseUserId,
  parseUserInfo,
  signDevelopmentToken,
} from './development-token.ts';

const MAX_IDS_SHOWN = 20;
const DEFAULT_TTL_SECONDS = 3600;

export interface TokenFlags {
  readonly config?: string;
  readonly app?: string;
  readonly sub?: string;
  readonly role?: readonly string[];
  readonly ttl?: number;
  readonly info?: ReturnType<typeof parseUserInfo>;
  readonly claim?: readonly (readonly [string, unknown])[];
}

/** Gives a command the flags of `kulkul token`. */
export function withTokenFlags(command: Command): Command {
  return command
    .option('--app <key or id>', 'app that is to take the token (default: the only one)')
    .option('--sub <user id>', 'user that the token is for (default: none)', orInvalid(parseUserId))
    .option('--role <role>', 'role of the user; may be given several times', collect)
    .option('--ttl <time>', 'how long it is good: 30s, 15m, 1h, 7d (default: 1h)', orInvalid(parseTtl))
    .option('--info <json>', 'facts about the user for others to see, an object', orInvalid(parseUserInfo))
    .option(
      '--claim <name=value>',
      'further claim, JSON or text; may be given several times',
      (text, before: TokenFlags['claim'] = []) => [...before, orInvalid(parseClaim)(text)],
    );
}

/**
 * The token that is asked for.
 *
 * @throws {DevelopmentTokenError} with words for whoever called the command
 */
export async function createToken(apps: AppDirectory, flags: TokenFlags, nowSeconds: number): Promise<string> {
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

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Has a wrong value reported with the flag that it was given for. */
function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof DevelopmentTokenError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
