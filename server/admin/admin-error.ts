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

  constructor(id: string, status: number, message: string, details: ErrorDetails = {}) {
    super(message);
    this.id = id;
    this.status = status;
    this.details = details;
  }
}

export interface ErrorDetails {
  readonly problems?: readonly Problem[];
  /** What there is, where something was asked for that is not. */
  readonly routes?: readonly string[];
}

export function invalidApp(problems: readonly Problem[]): AdminError {
  return new AdminError('invalid-app', 400, summary('This is no app that can be taken', problems), { problems });
}

export function invalidRequest(problems: readonly Problem[]): AdminError {
  return new AdminError('invalid-request', 400, summary('The request can not be taken', problems), { problems });
}

/** All of them in one line, for those who see the message only. */
function summary(what: string, problems: readonly Problem[]): string {
  const texts = problems.map(({ path, message, suggestion }) => {
    const question = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
    return `${path === '' ? 'the body' : path}: ${message}${question}`;
  });
  return `${what}: ${texts.join('; ')}`;
}
