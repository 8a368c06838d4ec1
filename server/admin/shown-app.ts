import type { AppOptions } from '../config/app-options.ts';
import { keyPairsOf } from '../config/app-options.ts';
import { maskSecrets } from '../config/mask.ts';

export type Stored = 'file' | 'memory' | 'database';

/** An app as answers show it: all pairs in `keys`, without anything that is secret or may hold something secret. */
export type ShownApp = Readonly<Record<string, unknown>>;

export function showApp(app: AppOptions, stored: Stored): ShownApp {
  return show(app, stored, ({ key }) => ({ key }));
}

/** Once, to whoever made it. */
export function showNewApp(app: AppOptions, stored: Stored): ShownApp {
  return show(app, stored, ({ key, secret }) => ({ key, secret }));
}

function show(app: AppOptions, stored: Stored, showPair: (pair: AppOptions['keys'][number]) => object): ShownApp {
  // Webhooks have headers and URLs of any kind.
  const { id, name, key, secret, keys, auth, webhooks, ...options } = app;
  const jwt = auth?.jwt && showTokens(auth.jwt);
  return {
    id,
    ...(name !== undefined && { name }),
    keys: keyPairsOf(app).map(showPair),
    ...options,
    ...(jwt && { auth: { jwt } }),
    stored,
  };
}

function showTokens({ keys, jwksUrl, ...options }: NonNullable<NonNullable<AppOptions['auth']>['jwt']>): object {
  return {
    keys: keys.map(({ secret, ...key }) => key),
    ...(jwksUrl !== undefined && { jwksUrl: maskSecrets(withoutCredentials(jwksUrl)) }),
    ...options,
  };
}

function withoutCredentials(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href === new URL(url).href ? url : shown.href;
}
