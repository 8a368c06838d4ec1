import { loadPackage, PackageError, packageFolders } from '../optional-package.ts';
import { AppStoreStartError } from './sql-errors.ts';

/**
 * Loads the driver of a database.
 *
 * @param setting - why it is needed, for people: `appManager.driver "mysql"`
 * @param folders - where to look
 * @throws {AppStoreStartError} the command that installs it
 */
export async function loadDriver(
  name: string,
  setting: string,
  folders: readonly string[] = packageFolders(),
): Promise<unknown> {
  try {
    return (await loadPackage({ name, setting }, folders)).exports;
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    throw new AppStoreStartError('driver', error.message, { cause: error });
  }
}
