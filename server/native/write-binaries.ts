/**
 * Writes the binaries of uWebSockets.js for this platform, one for each version of Node that there is one for, into `dist/native`, from the package that npm
 * installed. Part of `npm run build`; in a project that depends on `kulkul` and has uWebSockets.js of its own:
 * `node node_modules/kulkul/dist/server/native/write-binaries.js`.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BINARIES, findInstalledPackage, SOURCE_FILE } from './load-binary.ts';
import { prepareBinary } from './prepare-binary.ts';

try {
  writeBinaries();
} catch (error) {
  process.stderr.write(`kulkul: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function writeBinaries(): void {
  const source = findInstalledPackage();
  if (!source) throw new Error('uWebSockets.js is not installed: npm install');
  const prefix = `uws_${process.platform}_${process.arch}_`;
  const names = readdirSync(source.folder).filter((name) => name.startsWith(prefix) && name.endsWith('.node'));
  if (names.length === 0) {
    throw new Error(`${source.name} ${source.version} has no binary for ${process.platform} on ${process.arch}`);
  }
  // All of them before the first is written: what was there stays whole if one is refused.
  const binaries = names.map((name) => ({ name, binary: prepareBinary(source, name) }));
  mkdirSync(BINARIES, { recursive: true });
  for (const { name, binary } of binaries) replaceFile(name, binary);
  for (const name of readdirSync(BINARIES)) {
    if (name.endsWith('.node') && !names.includes(name)) rmSync(new URL(name, BINARIES));
  }
  const { name, version } = source;
  replaceFile(SOURCE_FILE, `${JSON.stringify({ name, version })}\n`);
}

/** A running broker keeps the file that it has loaded; written in place, it would crash. */
function replaceFile(name: string, content: Buffer | string): void {
  const path = fileURLToPath(new URL(name, BINARIES));
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
