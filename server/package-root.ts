import { existsSync, readFileSync } from 'node:fs';

/** False where the sources run as they are, as in tests. */
export const IS_BUILT = !import.meta.url.endsWith('.ts');

/** The folder of this package: where its package.json is. */
export const PACKAGE_ROOT = findRoot();

function findRoot(): URL {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) folder = new URL('..', folder);
  return folder;
}

/** Version of the package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')) as { version: string };
  return version;
}
