/** The app that requests of the bench are signed for. */
export const BENCH_APP = { id: 'bench', key: 'bench-key', secret: 'bench-secret' } as const;
