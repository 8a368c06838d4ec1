import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppStoreStartError } from './sql-errors.ts';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * Loads a package that Kulkul does not bring along: from beside Kulkul, or from the folder that it was started in, which is where it
 * lies when Kulkul itself is installed globally or run by `npx`.
 *
 * @param setting - why it is needed, for people: `appManager.driver "mysql"`
 * @param folders - where to look
 * @returns what it exports by `module.exports` or as default
 * @throws {AppStoreStartError} the command that installs it
 */
export async function loadDriver(
  name: string,
  setting: string,
  folders: readonly string[] = [HERE, process.cwd()],
): Promise<unknown> {
  const path = folders.map((folder) => resolveFrom(folder, name)).find((found) => found !== undefined);
  if (path === undefined) {
    throw new AppStoreStartError(
      'driver',
      `${setting} needs the package ${name}, which is not installed: run "npm install ${name}" in ${process.cwd()} ` +
        `(or "npm install --global ${name}" beside a global Kulkul). Looked in ${folders.join(' and ')}, and in the folders above.`,
    );
  }
  try {
    const loaded = (await import(pathToFileURL(path).href)) as { readonly default: unknown };
    return loaded.default;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new AppStoreStartError(
      'driver',
      `${setting} needs the package ${name}, which can't be loaded from ${path} (${reason}). ` +
        `To install it anew, run "npm install ${name}" in ${process.cwd()}.`,
      { cause: error },
    );
  }
}

function resolveFrom(folder: string, name: string): string | undefined {
  try {
    // Any file in it will do, also one that is not there.
    return createRequire(join(folder, 'kulkul.js')).resolve(name);
  } catch {
    return undefined;
  }
}
