import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that tests run and npm can't install. */
export interface Requirement {
  /** What people call it. */
  readonly name: string;
  /** Its path, where it is there with all that belongs to it. */
  readonly find: () => string | undefined;
  /** Its path, where it is the best of several that will do: that one is installed where it can be. */
  readonly findBest?: () => string | undefined;
  readonly debianPackages: readonly string[];
  readonly neededFor: string;
}

/** What examples/laravel is run with, as PHP finds it. */
const LARAVEL = ['Illuminate/autoload.php', 'Illuminate/Foundation/Application.php'];

export const REQUIREMENTS = {
  chromium: {
    ...program(
      ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
      'chromium-headless-shell',
      'the tests of stock clients in a browser',
    ),
    // Chromium without its own windows, each of which takes a second of processor time.
    findBest: () => findOnPath(['chromium-headless-shell']),
  },
  redis: program(
    ['redis-server'],
    'redis-server',
    'the tests of several nodes (also of Sentinel and Redis Cluster, which are the same program)',
  ),
  nginx: program(['nginx'], 'nginx-light', 'the tests of nodes behind a load balancer'),
  prometheus: program(['prometheus'], 'prometheus', 'the test of metrics, with promtool beside it'),
  curl: program(['curl'], 'curl', 'the tests of feeds'),
  mariadb: program(['mariadbd', 'mysqld'], 'mariadb-server', 'the tests of apps in MySQL and MariaDB'),
  postgres: program(['postgres'], 'postgresql', 'the tests of apps in PostgreSQL'),
  php: {
    name: `php with pdo_sqlite, and with ${LARAVEL.join(' and ')} on its include_path`,
    find: findLaravelPhp,
    debianPackages: ['php-cli', 'php-laravel-framework', 'php-sqlite3'],
    neededFor: 'the tests of examples/laravel, and of webhooks in PHP',
  },
  python: {
    name: 'python3 with the module websockets',
    find: findWebSocketPython,
    debianPackages: ['python3', 'python3-websockets'],
    neededFor: 'the test of the reader in Python of examples/monitoring',
  },
} as const satisfies Record<string, Requirement>;

export type ProjectName = 'unit' | 'servers' | 'cluster' | 'browser' | 'examples';

/** What each project of tests needs of them. */
export const NEEDS: Readonly<Record<ProjectName, readonly (keyof typeof REQUIREMENTS)[]>> = {
  unit: [],
  servers: ['redis', 'mariadb', 'postgres', 'nginx', 'curl', 'php', 'python'],
  cluster: ['redis', 'nginx', 'prometheus'],
  browser: ['chromium'],
  examples: ['chromium', 'nginx', 'php', 'python'],
};

/** What `npm run test:long` needs beside those. */
export const LONG_REQUIREMENTS = {
  caddy: program(['caddy'], 'caddy', 'the tests of brokers behind Caddy'),
  haproxy: program(['haproxy'], 'haproxy', 'the tests of brokers behind HAProxy'),
  apache: program(['apache2', 'httpd'], 'apache2', 'the tests of brokers behind Apache'),
} as const satisfies Record<string, Requirement>;

/**
 * Paths of everything that tests need beyond npm. What is missing is installed where that is possible without asking:
 * as root, from Debian's packages.
 *
 * @throws {Error} one line per program that is missing and can't be installed, with what to do about it
 */
export function meetRequirements<Name extends string>(
  requirements: Readonly<Record<Name, Requirement>>,
): Record<Name, string> {
  const names = Object.keys(requirements) as Name[];
  const missing = names.filter((name) => {
    const { find, findBest = find } = requirements[name];
    return findBest() === undefined;
  });
  if (missing.length > 0) installPackages(missing.flatMap((name) => requirements[name].debianPackages));
  const found = names.map((name) => [name, requirements[name].find()] as const);
  const absent = found.filter(([, path]) => path === undefined).map(([name]) => describeAbsence(requirements[name]));
  if (absent.length > 0) throw new Error(absent.join('\n'));
  return Object.fromEntries(found) as Record<Name, string>;
}

/** @param commands - names it goes by; the first one found is taken */
function program(commands: readonly [string, ...string[]], debianPackage: string, neededFor: string): Requirement {
  const [name, ...others] = commands;
  return {
    name: others.length > 0 ? `${name} (or ${others.join(', ')})` : name,
    find: () => findOnPath(commands),
    debianPackages: [debianPackage],
    neededFor,
  };
}

function findLaravelPhp(): string | undefined {
  const php = findOnPath(['php']);
  if (php === undefined) return undefined;
  const checks = [...LARAVEL.map((file) => `stream_resolve_include_path("${file}")`), 'extension_loaded("pdo_sqlite")'];
  return spawnSync(php, ['-r', `exit(${checks.join(' && ')} ? 0 : 1);`]).status === 0 ? php : undefined;
}

/** Debian's own may be another than the one on the PATH, which does not see Debian's modules. */
function findWebSocketPython(): string | undefined {
  return [findOnPath(['python3']), '/usr/bin/python3'].find(
    (python) => python !== undefined && spawnSync(python, ['-c', 'import websockets']).status === 0,
  );
}

/** The first of some commands that there is. */
function findOnPath(commands: readonly string[]): string | undefined {
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
function installPackages(packages: readonly string[]): void {
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

function describeAbsence({ name, debianPackages, neededFor }: Requirement): string {
  return `Missing: ${name}, for ${neededFor}. Put it on the PATH; on Debian: apt-get install ${debianPackages.join(' ')}`;
}
