import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Scripts that the bench starts as processes of their own. */
export interface Scripts {
  readonly agent: string;
  readonly floor: string;
  readonly load: string;
  readonly probe: string;
}

/** The floor runs on the same binary as the broker, which is found from where the build put the code that loads it. */
const BUILT_NATIVE_PART: Plugin = {
  name: 'built native part',
  setup({ onResolve }) {
    onResolve({ filter: /\/server\/uws\.ts$/ }, () => ({ path: here('../dist/server/uws.js'), external: true }));
  },
};

/** Turns them into plain JavaScript, so that nothing but their own work runs in those processes. */
export async function compileScripts(): Promise<Scripts> {
  // Inside of node_modules: packages are found from there.
  const folder = here('../node_modules/.cache/kulkul-bench');
  await build({
    entryPoints: {
      agent: here('agent.ts'),
      floor: here('floor/main.ts'),
      load: here('load/main.ts'),
      probe: here('soak/probe.ts'),
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    plugins: [BUILT_NATIVE_PART],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  const script = (name: string): string => join(folder, `${name}.mjs`);
  return { agent: script('agent'), floor: script('floor'), load: script('load'), probe: script('probe') };
}
