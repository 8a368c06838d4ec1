import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const APPLICATION = fileURLToPath(new URL('application.php', import.meta.url));

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
  readonly connections: { readonly reverb: PusherConnection };
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
  readonly #php = inject('php');
  readonly #env: Readonly<Record<string, string>>;

  /** @param env - what the project's .env says */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
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
