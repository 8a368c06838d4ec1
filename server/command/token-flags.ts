import { type Command, InvalidArgumentError } from 'commander';
import { DevelopmentTokenError, parseClaim, parseTtl, parseUserId, parseUserInfo } from './token-values.ts';

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
