import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that tests run and npm can't install. */
interface Requirement {
  /** Names it goes by; the first one found is taken. */
  readonly commands: readonly string[];
  /** Debian's package. */
  readonly debianPackage: string;
  readonly neededFor: string;
}

const REQUIREMENTS = {
  chromium: {
    commands: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
    debianPackage: 'chromium',
    neededFor: 'the tests of stock clients in a browser',
  },
  redis: {
    commands: ['redis-server'],
    debianPackage: 'redis-server',
    neededFor: 'the tests of several nodes (also of Sentinel and Redis Cluster, which are the same program)',
  },
  nginx: {
    commands: ['nginx'],
    debianPackage: 'nginx-light',
    neededFor: 'the tests of nodes behind a load balancer',
  },
  curl: {
    commands: ['curl'],
    debianPackage: 'curl',
    neededFor: 'the tests of feeds',
  },
  mariadb: {
    commands: ['mariadbd', 'mysqld'],
    debianPackage: 'mariadb-server',
    neededFor: 'the tests of apps in MySQL and MariaDB',
  },
  postgres: {
    commands: ['postgres'],
    debianPackage: 'postgresql',
    neededFor: 'the tests of apps in PostgreSQL',
  },
} as const satisfies Record<string, Requirement>;

export type RequirementName = keyof typeof REQUIREMENTS;

/**
 * Paths of everything that tests need beyond npm. What is missing is installed where that is possible without asking:
 * as root, from Debian's packages.
 *
 * @throws {Error} one line per program that is missing and can't be installed, with what to do about it
 */
export function meetRequirements(): Record<RequirementName, string> {
  const names = Object.keys(REQUIREMENTS) as RequirementName[];
  const missing = names.filter((name) => findOnPath(REQUIREMENTS[name].commands) === undefined);
  if (missing.length > 0) installPackages(missing.map((name) => REQUIREMENTS[name].debianPackage));
  const found = names.map((name) => [name, findOnPath(REQUIREMENTS[name].commands)] as const);
  const absent = found.filter(([, path]) => path === undefined).map(([name]) => describeAbsence(REQUIREMENTS[name]));
  if (absent.length > 0) throw new Error(absent.join('\n'));
  return Object.fromEntries(found) as Record<RequirementName, string>;
}

/** The first of some commands that there is. */
export function findOnPath(commands: readonly string[]): string | undefined {
  // Debian has servers in a folder that is not on the PATH of every user.
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin', ...postgresFolders()];
  return commands.flatMap((command) => folders.map((folder) => join(folder, command))).find(isExecutable);
}

/** Debian keeps the versions of PostgreSQL apart, and none on the PATH. The newest first. */
function postgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** From Debian, where that is possible without asking. */
export function installPackages(packages: readonly string[]): void {
  if (process.getuid?.() !== 0 || findOnPath(['apt-get']) === undefined) return;
  process.stderr.write(`Installing ${packages.join(', ')} for the tests ...\n`);
  // In the run level of a rescue, Debian's scripts start no server: the tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stderr } = spawnSync('apt-get', args, {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0) process.stderr.write(`apt-get ${args.join(' ')} failed: ${stderr.trim()}\n`);
  }
}

function describeAbsence({ commands, debianPackage, neededFor }: Requirement): string {
  const [command, ...others] = commands;
  return (
    `Missing: ${command}, for ${neededFor}. ` +
    `Put it ${others.length > 0 ? `(or ${others.join(', ')}) ` : ''}on the PATH; on Debian: apt-get install ${debianPackage}`
  );
}
