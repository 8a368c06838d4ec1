import { explainNetwork } from '../client/explain-network.ts';
import type { HttpAnswer } from '../client/http-exchange.ts';
import { type ApiQuestion, PusherApi } from '../client/pusher-api.ts';
import { credentialsOf, findTarget, type Target, TargetError, type TargetFlags } from '../client/target.ts';
import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/index.ts';
import { foreign } from '../log.ts';
import { CommandError, UsageError } from './exit.ts';

/** Around a command. */
export interface CommandContext {
  readonly env: Environment;
  readonly cwd: string;
  readonly load: () => LoadedConfig;
}

/** @throws {UsageError} it is not clear which server or app is meant */
export function targetOf(flags: TargetFlags, { env, cwd, load }: CommandContext): Target {
  return explained(() => findTarget(flags, env, cwd, load));
}

/** Turns what is missing into a word for the user of the command. */
export function explained<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (error instanceof TargetError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** The HTTP API of a server, for commands. */
export class CommandApi {
  readonly appId: string;
  readonly #url: string;
  readonly #api: PusherApi;

  /** @throws {UsageError} the app is not known as a whole */
  constructor(target: Target) {
    const app = explained(() => credentialsOf(target));
    this.appId = app.id;
    this.#url = target.apiUrl;
    this.#api = new PusherApi(target.apiUrl, app);
  }

  /** `https://ws.example.com, app 1` */
  get place(): string {
    return `${this.#url}, app ${this.appId}`;
  }

  /** @throws {CommandError} by rejection: there is no answer, or it is a refusal */
  async ask(question: ApiQuestion): Promise<HttpAnswer> {
    return this.checked(await this.askAnyhow(question));
  }

  /** @throws {CommandError} the answer is a refusal */
  checked(answer: HttpAnswer): HttpAnswer {
    if (answer.status < 300) return answer;
    throw new CommandError(`${this.#url} answered ${answer.status}: ${textOf(answer)}`);
  }

  /** A refusal is an answer, too. */
  async askAnyhow(question: ApiQuestion): Promise<HttpAnswer> {
    try {
      return await this.#api.ask(question);
    } catch (error) {
      const message = `${this.#url} does not answer: ${explainNetwork(error)}. kulkul doctor finds out more`;
      throw new CommandError(message, { cause: error });
    }
  }
}

/** The body of a refusal: one line of text, or a page, which says nothing here. */
function textOf({ headers, text }: HttpAnswer): string {
  const location = headers.location === undefined ? '' : `to ${foreign(headers.location)} `;
  if (/html/i.test(headers['content-type'] ?? ''))
    return `a page ${location}that is not of a broker. kulkul doctor finds out more`;
  return text.trim() === '' ? `nothing ${location}. kulkul doctor finds out more` : foreign(text.trim(), MAX_TEXT);
}

const MAX_TEXT = 1000;
