import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, npmPack, ROOT, readManifest, type Tarball, writeJson } from './npm-pack.ts';

/** npm packs these whether they are listed or not. */
const ALWAYS_PACKED = ['README.md', 'LICENSE'];
const SHRINKWRAP = 'npm-shrinkwrap.json';

/**
 * Packs Kulkul itself. It depends on the packages for the platforms alone, each pinned by its hash, because everything else is in the bundle.
 *
 * @param platforms - as packed before
 */
export function packBroker(platforms: readonly Tarball[], staging: string, destination: string): Tarball {
  const {
    scripts: _scripts,
    devDependencies: _development,
    allowScripts: _allowed,
    overrides: _overrides,
    ...published
  } = readManifest(ROOT);
  const optionalDependencies = Object.fromEntries(platforms.map(({ name, version }) => [name, version]));
  const contents = published.files as readonly string[];
  const manifest: Manifest = { ...published, files: [...contents, SHRINKWRAP], optionalDependencies };
  const folder = join(staging, manifest.name);
  mkdirSync(folder);
  const isPacked = (path: string): boolean => path !== join(ROOT, 'dist/native');
  for (const entry of [...ALWAYS_PACKED, ...contents]) {
    cpSync(join(ROOT, entry), join(folder, entry), { recursive: true, filter: isPacked });
  }
  writeJson(join(folder, 'package.json'), manifest);
  writeJson(join(folder, SHRINKWRAP), shrinkwrap(manifest, platforms, staging));
  return npmPack(folder, destination);
}

/** Consumers don't get the lock file of a clone. This pins what they do get, wherever their registry is. */
function shrinkwrap(manifest: Manifest, platforms: readonly Tarball[], staging: string): object {
  const { name, version } = manifest;
  const packages = platforms.map((tarball) => {
    const { os, cpu, libc, license } = readManifest(join(staging, tarball.name));
    const { integrity } = tarball;
    return [
      `node_modules/${tarball.name}`,
      { version: tarball.version, integrity, cpu, libc, license, optional: true, os },
    ] as const;
  });
  const fields = ['license', 'bin', 'engines', 'optionalDependencies', 'peerDependencies', 'peerDependenciesMeta'];
  const root = Object.fromEntries(fields.map((field) => [field, manifest[field]]));
  return {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name, version, ...root }, ...Object.fromEntries(packages) },
  };
}
