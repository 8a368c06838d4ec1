/** A platform that there are binaries of uWebSockets.js for, as npm names it. */
export interface Platform {
  /** `process.platform` */
  readonly os: string;
  /** `process.arch` */
  readonly cpu: string;
}

export const PLATFORMS: readonly Platform[] = [
  { os: 'linux', cpu: 'x64' },
  { os: 'linux', cpu: 'arm64' },
  { os: 'darwin', cpu: 'arm64' },
  { os: 'darwin', cpu: 'x64' },
  { os: 'win32', cpu: 'x64' },
];

/** Versions of Node that Kulkul supports, by the number that their binaries have: `process.versions.modules`. */
export const NODE_MODULES_VERSIONS: ReadonlyMap<string, string> = new Map([
  ['20', '115'],
  ['22', '127'],
  ['24', '137'],
]);

/** The package that holds the binaries for a platform. An optional dependency: npm installs the one for its own platform alone. */
export function platformPackageName({ os, cpu }: Platform): string {
  return `@kulkul/uws-${os}-${cpu}`;
}

/** @param modules - of a Node version: `process.versions.modules` */
export function binaryName({ os, cpu }: Platform, modules: string): string {
  return `uws_${os}_${cpu}_${modules}.node`;
}
