/**
 * Version of what nodes share: keys, scripts, topics, messages. To be raised with any change that a node of the version before would misread;
 * nodes of two versions never use the same Redis and prefix at a time. Fields that are added to a message need no new version: a reader
 * passes over those that it doesn't know.
 */
export const LAYOUT = 2;

/** Nodes of another version use the same Redis and prefix. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';

  /** @param other - their version */
  constructor(other: string) {
    super(
      `nodes of another version of Kulkul use this Redis (layout ${other}, this version has ${LAYOUT}): ` +
        'stop them first, or give one of the two another adapter.redis.prefix',
    );
  }
}
