import { Refusal } from '../../protocol/errors.ts';

/** One thing that is wrong with what a request brought. */
export interface Problem {
  /** JSON Pointer into the body (RFC 6901): `/auth/jwt/keys/0/secret`; `?limit` for a parameter of the URL. */
  readonly path: string;
  /** `expected true or false, got "yes"`. Never with a secret. */
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** Answers a request of the admin API with a status and a JSON object. */
export class AdminError extends Refusal {
  override readonly name = 'AdminError';
  /** Stable name of the fault, `error` of the answer. */
  readonly id: string;
  readonly status: number;
  /** More for the answer. */
  readonly details: ErrorDetails;
  readonly headers: ErrorHeaders;

  constructor(id: string, status: number, message: string, details: ErrorDetails = {}, headers: ErrorHeaders = {}) {
    super(message);
    this.id = id;
    this.status = status;
    this.details = details;
    this.headers = headers;
  }
}

/** What else a client is told. */
export interface ErrorHeaders {
  /** Methods, as `Allow`. */
  readonly allow?: string;
  readonly retryAfterSeconds?: number;
}

export interface ErrorDetails {
  readonly problems?: readonly Problem[];
  /** What there is, where something was asked for that is not. */
  readonly routes?: readonly string[];
}

export function invalidApp(problems: readonly Problem[]): AdminError {
  return refuse('invalid-app', 'This app is not valid', problems);
}

export function invalidRequest(problems: readonly Problem[]): AdminError {
  return refuse('invalid-request', 'The request is not valid', problems);
}

/** Of one answer. */
export const MAX_PROBLEMS = 20;

function refuse(id: string, what: string, problems: readonly Problem[]): AdminError {
  const told = problems.slice(0, MAX_PROBLEMS);
  const more = problems.length > told.length ? `; and more, of which the first ${MAX_PROBLEMS} are told` : '';
  return new AdminError(id, 400, `${what}: ${summary(told)}${more}`, { problems: told });
}

/** All of them in one line, for those who see the message only. */
function summary(problems: readonly Problem[]): string {
  const texts = problems.map(({ path, message, suggestion }) => {
    const question = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
    return `${path === '' ? 'the body' : path}: ${message}${question}`;
  });
  return texts.join('; ');
}
