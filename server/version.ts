import { readFileSync } from 'node:fs';

/** Version of the package, from the package.json two folders above the compiled file or one above the source. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (name === 'kulkul') return version;
    } catch {
      // Not there: it is the other one.
    }
  }
  return 'unknown';
}
