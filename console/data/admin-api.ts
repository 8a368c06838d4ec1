/** One thing that is wrong with what was sent. */
export interface Problem {
  /** JSON Pointer into the body. */
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string;
}

/** The admin API refused a request, or could not be asked: then the status is 0. */
export class AdminApiError extends Error {
  readonly status: number;
  /** As in docs/errors.md. */
  readonly id: string;
  readonly problems: readonly Problem[];

  constructor(status: number, id: string, message: string, problems: readonly Problem[] = []) {
    super(message);
    this.status = status;
    this.id = id;
    this.problems = problems;
  }
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Asks the admin API that this page comes from. */
export class AdminApi {
  readonly #onSignedOut: () => void;

  /** @param onSignedOut - the session that the page had is no longer valid */
  constructor(onSignedOut: () => void) {
    this.#onSignedOut = onSignedOut;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  /** @throws {AdminApiError} by rejection */
  async call<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#send(method, path, body);
    const answer = await response.json().catch(() => undefined);
    if (response.ok) return answer as Answer;
    if (response.status === 401) this.#onSignedOut();
    throw errorIn(response.status, answer);
  }

  async #send(method: Method, path: string, body: unknown): Promise<Response> {
    // No page of another origin can send this header.
    const headers: Record<string, string> = { 'X-Kulkul-Admin': 'console' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const content = body === undefined ? null : JSON.stringify(body);
    try {
      return await fetch(path, { method, headers, body: content });
    } catch {
      throw new AdminApiError(
        0,
        'unreachable',
        'The broker does not answer. Is it running, and can this machine reach it?',
      );
    }
  }
}

/** A path of the admin API, with each part escaped: ``pathOf`/apps/${id}` ``. */
export function pathOf(texts: TemplateStringsArray, ...parts: readonly string[]): string {
  return texts
    .map((text, index) => `${text}${index < parts.length ? encodeURIComponent(parts[index] ?? '') : ''}`)
    .join('');
}

/** `?a=1&b=2` of what is not empty. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return given.length > 0 ? `?${query}` : '';
}

function errorIn(status: number, answer: unknown): AdminApiError {
  const { error, message, problems } = (answer ?? {}) as { error?: string; message?: string; problems?: Problem[] };
  if (typeof error !== 'string' || typeof message !== 'string') {
    return new AdminApiError(
      status,
      'unexpected',
      `The answer was ${status}, and not one of Kulkul. What is between it and this page?`,
    );
  }
  return new AdminApiError(status, error, message, problems);
}

/** What people are told of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
