import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Scripts that the bench starts as processes of their own. */
export interface Scripts {
  readonly agent: string;
  readonly floor: string;
  readonly load: string;
  readonly probe: string;
}

/** Turns them into plain JavaScript, so that nothing but their own work runs in those processes. */
export async function compileScripts(): Promise<Scripts> {
  // Inside of node_modules: the floor has to find uWebSockets.js from there.
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
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  const script = (name: string): string => join(folder, `${name}.mjs`);
  return { agent: script('agent'), floor: script('floor'), load: script('load'), probe: script('probe') };
}
