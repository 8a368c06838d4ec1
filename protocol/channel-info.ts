import type { ChannelKind } from './channel-name.ts';
import { ApiError } from './errors.ts';
import { quote } from './json.ts';

/** What can be asked about a channel by `info`. */
export type InfoAttribute = 'user_count' | 'subscription_count' | 'cache';

const ATTRIBUTES: ReadonlySet<string> = new Set<InfoAttribute>(['user_count', 'subscription_count', 'cache']);

/**
 * Reads `info=user_count,subscription_count`.
 *
 * @throws {ApiError} 400 for an attribute that does not exist
 */
export function parseInfo(info: string | undefined): ReadonlySet<InfoAttribute> {
  const attributes = new Set<InfoAttribute>();
  for (const part of info?.split(',') ?? []) {
    const attribute = part.trim();
    if (attribute === '') continue;
    if (!ATTRIBUTES.has(attribute)) {
      throw new ApiError(
        'unknown-info',
        400,
        `info has the unknown attribute ${quote(attribute, 40)}: ask for user_count, subscription_count or cache`,
      );
    }
    attributes.add(attribute as InfoAttribute);
  }
  return attributes;
}

/** Why an attribute can't be told of a channel, or undefined when it can. */
export function infoProblem(attribute: InfoAttribute, kind: ChannelKind): string | undefined {
  switch (attribute) {
    case 'user_count':
      return kind.isPresence ? undefined : 'user_count may only be requested for presence channels';
    case 'subscription_count':
      return undefined;
    case 'cache':
      return kind.isCache ? undefined : 'cache may only be requested for cache channels';
  }
}
