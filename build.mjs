/**
 * Bundles the sources and the packages that they use into a few files in `dist/`, because Node takes longer to find and read hundreds of modules than to run them:
 * `kulkul start` listens in two thirds of the time. Builds the page of `/console` too, and writes the licences of all these packages.
 */
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildPages } from 'vite';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const DIST = join(ROOT, 'dist');

/** Programs, what other programs import, and `uws` for the floor of the benchmarks. Everything else is imported by these. */
const ENTRIES = ['main', 'library/index', 'library/testing', 'workers/worker-main', 'native/write-binaries', 'uws'];
/** Native, so it can't be bundled. Database drivers are not bundled either, because server/apps/load-driver.ts imports them by a name that esbuild does not see. */
const FOUND_BY_NODE = ['uWebSockets.js'];
/** Written by the build of the native part. */
const NATIVE = join(DIST, 'native');

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES.map((name) => ({ in: `server/${name}.ts`, out: `server/${name}` })),
  outdir: DIST,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: FOUND_BY_NODE,
  // CommonJS packages load Node's own modules by `require`.
  banner: {
    js: "import { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
  },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
const page = await buildConsole();
const licences = join(DIST, 'licences.txt');
writeFileSync(licences, licencesOf([...Object.keys(metafile.inputs), ...page.inputs]));
// Read by the broker, for those who follow the address in a message.
const errors = join(DIST, 'errors.md');
copyFileSync(join(ROOT, 'docs/errors.md'), errors);
// Last, so that a broker that runs from this folder finds the old files for as long as possible.
removeOthers(
  new Set([licences, errors, ...Object.keys(metafile.outputs).map((file) => join(ROOT, file)), ...page.outputs]),
);

/** The page of `/console`, in `dist/console/`. Inputs are relative to the root, outputs are not. */
async function buildConsole() {
  const folder = join(DIST, 'console');
  const { output } = await buildPages({ configFile: join(ROOT, 'console/vite.config.ts'), logLevel: 'warn' });
  const inputs = output.flatMap(({ moduleIds = [] }) => moduleIds.map((id) => relative(ROOT, id.replace(/\?.*$/, ''))));
  return { inputs, outputs: output.map(({ fileName }) => join(folder, fileName)) };
}

/** Licence texts of the packages that these files belong to. */
function licencesOf(files) {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(ROOT, folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

function removeOthers(kept) {
  for (const entry of readdirSync(DIST, { recursive: true })) {
    const path = join(DIST, entry);
    if (relative(NATIVE, path).startsWith('..') && statSync(path).isFile() && !kept.has(path)) rmSync(path);
  }
  const folders = readdirSync(DIST, { recursive: true }).filter((entry) => statSync(join(DIST, entry)).isDirectory());
  for (const folder of folders.sort((a, b) => b.length - a.length)) {
    if (readdirSync(join(DIST, folder)).length === 0) rmSync(join(DIST, folder), { recursive: true });
  }
}
