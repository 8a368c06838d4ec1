import { basename, dirname } from 'node:path';

/**
 * Variables without which a program of a system can't run. By hand, without them, it ends with what to run instead.
 *
 * @param {...string} names
 * @returns {Record<string, string>}
 */
export function variablesOf(...names) {
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0) {
    const [, program = ''] = process.argv;
    const system = basename(dirname(program));
    process.stderr.write(
      `${basename(program)} is a part of a system (${missing.join(', ')} not set): npm run example ${system}\n`,
    );
    process.exit(2);
  }
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
