import { readdirSync, readFileSync } from 'node:fs';

/** How many files and sockets this process has open; undefined where the system doesn't say. */
export function countOpenFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** How many files and sockets this process may have open; undefined: as many as it likes. Node.js raises it, at its start, as far as the system lets it. */
export function openFileLimit(): number | undefined {
  if (process.platform === 'win32') return undefined;
  const limit = process.platform === 'linux' ? limitOfLinux() : limitOfReport();
  return Number.isSafeInteger(limit) ? limit : undefined;
}

function limitOfLinux(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

function limitOfReport(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  return Number(userLimits?.open_files?.soft);
}
