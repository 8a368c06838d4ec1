/** One key/secret pair of an app. An app may have several that are valid at once, so that they can be rotated. */
export interface AppKey {
  readonly key: string;
  /** Never logged, never part of an answer. */
  readonly secret: string;
}

/** The pair with this public key, or undefined. Apps have a handful of pairs at most. */
export function findAppKey(keys: readonly AppKey[], key: string): AppKey | undefined {
  for (const pair of keys) {
    if (pair.key === key) return pair;
  }
  return undefined;
}
