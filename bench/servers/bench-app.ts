/** The app that requests of the bench are signed for. */
export const BENCH_APP = { id: 'bench', key: 'bench-key', secret: 'bench-secret' } as const;

/** Channel that the feed of the bench reads, and where it is read. */
export const FEED_CHANNEL = 'feed-channel';
export const FEED_PATH = '/feed';
