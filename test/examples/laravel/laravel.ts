import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findOnPath, installPackages } from '../../support/requirements.ts';

const APPLICATION = fileURLToPath(new URL('application.php', import.meta.url));
const LIBRARIES = ['Illuminate/Broadcasting/autoload.php', 'Symfony/Component/HttpKernel/autoload.php'];
const PACKAGES = ['php-cli', 'php-illuminate-broadcasting', 'php-symfony-http-kernel'];

export interface TriggerCall {
  readonly channels: readonly string[];
  readonly event: string;
  /** JSON as PHP wrote it. */
  readonly data: string;
  readonly params: { readonly socket_id?: string };
}

export interface AuthAnswer {
  readonly status: number;
  readonly body: { readonly auth?: string };
}

export interface BroadcastingConfig {
  readonly default: string;
  readonly connections: { readonly pusher: PusherConnection };
}

export interface PusherConnection {
  readonly driver: string;
  readonly key: string;
  readonly secret: string;
  readonly app_id: string;
  readonly options: {
    readonly host: string;
    readonly port: string;
    readonly scheme: string;
    readonly useTLS: boolean;
  };
}

/** The files of examples/laravel, run by PHP with Laravel's own classes: see application.php. */
export class Laravel {
  readonly #php: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(php: string, env: Readonly<Record<string, string>>) {
    this.#php = php;
    this.#env = env;
  }

  /**
   * @param env - what the project's .env says
   * @throws {Error} PHP or Laravel's packages are not there, and can't be installed
   */
  static find(env: Readonly<Record<string, string>>): Laravel {
    if (laravelPhp() === undefined) installPackages(PACKAGES);
    const php = laravelPhp();
    if (php !== undefined) return new Laravel(php, env);
    throw new Error(
      `Missing: php with ${LIBRARIES.join(' and ')} on its include_path, for the tests of examples/laravel. ` +
        `On Debian: apt-get install --no-install-recommends ${PACKAGES.join(' ')}`,
    );
  }

  /** @returns what PHP has to say about its syntax; undefined: nothing */
  syntaxError(file: string): string | undefined {
    const { status, stdout } = spawnSync(this.#php, ['-l', file], { encoding: 'utf8' });
    return status === 0 ? undefined : stdout;
  }

  get config(): BroadcastingConfig {
    return this.#run(['config']) as BroadcastingConfig;
  }

  /**
   * What an event has Laravel call the SDK with.
   *
   * @param socketId - `toOthers()` sets it, from the request's `X-Socket-ID`
   */
  broadcast(event: string, fields: object, socketId = ''): TriggerCall[] {
    return this.#run(['broadcast', `App\\Events\\${event}`, JSON.stringify(fields), socketId]) as TriggerCall[];
  }

  /** The answer of `/broadcasting/auth` to a user with a role, or to nobody. */
  authorize(role: string | undefined, channel: string, socketId: string): AuthAnswer {
    return this.#run(['authorize', role ?? '', channel, socketId]) as AuthAnswer;
  }

  /** JSON as `json_encode` writes it. */
  encode(value: unknown): string {
    return this.#output(['encode'], JSON.stringify(value));
  }

  #run(args: readonly string[]): unknown {
    return JSON.parse(this.#output(args, ''));
  }

  #output(args: readonly string[], input: string): string {
    const { stdout, stderr, status } = spawnSync(this.#php, [APPLICATION, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', ...this.#env },
      input,
    });
    if (status !== 0) throw new Error(`application.php ${args.join(' ')} failed:\n${stdout}${stderr}`);
    return stdout;
  }
}

function laravelPhp(): string | undefined {
  const php = findOnPath(['php']);
  if (php === undefined) return undefined;
  const checks = LIBRARIES.map((file) => `stream_resolve_include_path("${file}")`);
  return spawnSync(php, ['-r', `exit(${checks.join(' && ')} ? 0 : 1);`]).status === 0 ? php : undefined;
}
