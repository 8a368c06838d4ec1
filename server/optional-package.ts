import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** A package that Kulkul does not bring along is not there, or does not load. The text says how to install it. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}

export interface OptionalPackage {
  readonly name: string;
  /** Why it is needed, for people: `appManager.driver "mysql"`. */
  readonly setting: string;
  /** What `npm install` is to be given; default: the name. */
  readonly install?: string;
}

/** Where packages are looked for: beside Kulkul, and in the folder that it was started in, which is where they lie when Kulkul is run by `npx`. */
export function packageFolders(): readonly string[] {
  return [HERE, process.cwd()];
}

/**
 * Loads a package that Kulkul does not bring along.
 *
 * @returns what it exports by `module.exports` or as default, and where it was found
 * @throws {PackageError} the command that installs it
 */
export async function loadPackage(
  { name, setting, install = name }: OptionalPackage,
  folders: readonly string[] = packageFolders(),
): Promise<{ readonly exports: unknown; readonly path: string }> {
  const path = folders.map((folder) => resolveFrom(folder, name)).find((found) => found !== undefined);
  if (path === undefined) {
    throw new PackageError(
      `${setting} needs the package ${name}, which is not installed: run "npm install ${install}" in ${process.cwd()} ` +
        `(or "npm install --global ${install}" beside a global Kulkul). Looked in ${folders.join(' and ')}, and in the folders above.`,
    );
  }
  try {
    const loaded = (await import(pathToFileURL(path).href)) as { readonly default: unknown };
    return { exports: loaded.default, path };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new PackageError(
      `${setting} needs the package ${name}, which can't be loaded from ${path} (${reason}). ` +
        `To install it anew, run "npm install ${install}" in ${process.cwd()}.`,
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
