import { isJsonObject, type JsonObject, parseJson } from '../../protocol/json.ts';
import { explainNetwork } from '../client/explain-network.ts';
import { exchange, type HttpAnswer } from '../client/http-exchange.ts';
import { callableHost, hostPort } from '../client-address.ts';
import type { Settings } from '../config/index.ts';
import { CommandError } from './exit.ts';

/** For an answer, in milliseconds: a test waits for a webhook. */
const ANSWER_MS = 70_000;

/** The admin API can't do it. The text is for the user of the command. */
export class AdminCallError extends CommandError {
  override readonly name = 'AdminCallError';
}

export interface AdminAccess {
  /** `http://127.0.0.1:9601` */
  readonly url: string;
  /** '': none. */
  readonly token: string;
}

/**
 * The admin API of the broker with these settings.
 *
 * @throws {AdminCallError} it has none
 */
export function adminAccess({ admin }: Settings): AdminAccess {
  const { enabled, host, port } = admin;
  if (!enabled) throw new AdminCallError('the admin API, which this command uses, is off: set admin.enabled to true');
  if (port === 0)
    throw new AdminCallError('the admin API has any free port (admin.port 0): give its address with --url');
  return { url: `http://${hostPort(callableHost(host), port)}`, token: adminTokenOf(admin) };
}

/** The token of the settings that may do most; '': there is none. */
export function adminTokenOf({ token, tokens }: Settings['admin']): string {
  if (token !== '') return token;
  const all = tokens.filter(({ access }) => access === 'all');
  return (all.find(({ apps }) => !apps) ?? all[0] ?? tokens[0])?.token ?? '';
}

/** Calls a running broker. */
export class AdminClient {
  readonly #access: AdminAccess;

  constructor(access: AdminAccess) {
    this.#access = access;
  }

  /** @throws {AdminCallError} by rejection: there is no answer, or it is a refusal */
  async call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<JsonObject> {
    const { url, token } = this.#access;
    const headers = {
      ...(token === '' ? { 'X-Kulkul-Admin': 'kulkul' } : { Authorization: `Bearer ${token}` }),
      ...(body && { 'Content-Type': 'application/json' }),
    };
    let response: HttpAnswer;
    try {
      response = await exchange({
        url: `${url.replace(/\/$/, '')}${path}`,
        method,
        headers,
        timeoutMs: ANSWER_MS,
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const message = `no admin API answers at ${url} (${explainNetwork(error)}): is the broker running? --url gives another address`;
      throw new AdminCallError(message, { cause: error });
    }
    const { status, text } = response;
    const answer = parseJson(text);
    if (!isJsonObject(answer)) throw new AdminCallError(`what answers at ${url} is not the admin API of Kulkul`);
    if (status >= 400) throw new AdminCallError(String(answer.message ?? `the admin API answered ${status}`));
    return answer;
  }
}
