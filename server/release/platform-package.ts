import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInstalledPackage, type InstalledPackage } from '../native/load-binary.ts';
import { binaryName, NODE_MODULES_VERSIONS, type Platform, platformPackageName } from '../native/platform-packages.ts';
import { prepareBinary } from '../native/prepare-binary.ts';
import { npmPack, ROOT, readManifest, type Tarball, writeJson } from './npm-pack.ts';

/** What uWebSockets.js must be under, because the text of that licence is what the package carries. */
const LICENCE = 'Apache-2.0';

/**
 * Packs the binaries of uWebSockets.js for a platform, one for each version of Node that Kulkul supports.
 *
 * @throws {Error} uWebSockets.js is not installed, under another licence, or a binary has not the hash that is pinned
 */
export function packPlatform(platform: Platform, staging: string, destination: string): Tarball {
  const source = findInstalledPackage();
  if (!source) throw new Error('uWebSockets.js is not installed: npm install');
  const { license } = readManifest(source.folder);
  if (license !== LICENCE) throw new Error(`${source.name} is under the licence ${license}, and not ${LICENCE}`);

  const name = platformPackageName(platform);
  const folder = join(staging, name);
  mkdirSync(folder, { recursive: true });
  for (const modules of NODE_MODULES_VERSIONS.values()) {
    const file = binaryName(platform, modules);
    writeFileSync(join(folder, file), prepareBinary(source, file));
  }
  cpSync(join(ROOT, 'server/release/apache-2.0.txt'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'README.md'), readme(name, platform, source));
  writeJson(join(folder, 'package.json'), manifest(name, platform));
  return npmPack(folder, destination);
}

function manifest(name: string, { os, cpu }: Platform): object {
  const { version, homepage, repository, bugs } = readManifest(ROOT);
  return {
    name,
    version,
    description: `uWebSockets.js for Kulkul on ${os} ${cpu}`,
    license: LICENCE,
    homepage,
    repository,
    bugs,
    files: ['*.node'],
    os: [os],
    cpu: [cpu],
    // npm knows this field on Linux alone.
    ...(os === 'linux' && { libc: ['glibc'] }),
    publishConfig: { access: 'public' },
  };
}

function readme(name: string, { os, cpu }: Platform, source: InstalledPackage): string {
  const change =
    os === 'linux'
      ? 'Changed: three functions of the C library go by the names that glibc 2.36 has, and the text of the answer 505 says more.'
      : 'The files are unchanged.';
  return `# ${name}

The binaries of [uWebSockets.js](https://github.com/uNetworking/uWebSockets.js) (Apache-2.0) for ${os} ${cpu} and Node ${[...NODE_MODULES_VERSIONS.keys()].join(', ')},
from the package ${source.name} ${source.version}. ${change}

An optional dependency of [kulkul](https://www.npmjs.com/package/kulkul), which loads them. Of no use on its own.
`;
}
