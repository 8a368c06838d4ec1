import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../channels/app.ts';

/** Whether two apps say the same, keys of tokens included. */
export function isSameApp(one: App, other: App): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/** Key objects keep what they were asked for, so that equal ones may differ; a pattern is told by its text. */
function comparable(app: App): unknown {
  const { tokens, channelRules, ...plain } = app;
  return {
    ...plain,
    tokens: tokens && { ...tokens, keys: tokens.keys.map(({ key, ...rest }) => ({ ...rest, key: contentOf(key) })) },
    channelRules: channelRules.map(({ pattern, ...rest }) => ({ ...rest, pattern: pattern.text })),
  };
}

function contentOf(key: KeyObject): string {
  const content = key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'der' });
  return content.toString('base64');
}
