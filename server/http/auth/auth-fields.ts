import { parseParams, type RequestParams } from '../../../auth/request-params.ts';
import { ApiError } from '../../../protocol/errors.ts';
import { isJsonObject, parseJson } from '../../../protocol/json.ts';

/** What clients tell an auth endpoint. A field that is missing is undefined. */
export interface AuthFields {
  readonly socketId: string | undefined;
  readonly channelName: string | undefined;
  readonly appKey: string | undefined;
  /** For clients that can set no header. */
  readonly token: string | undefined;
  /** The function that a script shall call with the answer (JSONP). */
  readonly callback: string | undefined;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * Reads the fields of a request: those of its body, and of its query those that the body does not have.
 *
 * @param contentType - as sent; '' when it was not, and the body is JSON then if it begins like it
 * @throws {ApiError} 400
 */
export function readAuthFields(query: RequestParams, contentType: string, body: Buffer): AuthFields {
  const inBody = readBodyFields(contentType, body.toString());
  const field = (name: string): string | undefined => inBody(name) ?? query.single.get(name);
  return {
    socketId: field('socket_id'),
    channelName: field('channel_name'),
    appKey: field('app_key'),
    token: field('token'),
    callback: query.single.get('callback'),
  };
}

function readBodyFields(contentType: string, text: string): (name: string) => string | undefined {
  if (JSON_TYPE.test(contentType)) return readJsonFields(text);
  if (FORM_TYPE.test(contentType)) return readFormFields(text);
  if (/^multipart\//i.test(contentType)) {
    const message =
      'The body must be JSON or a form of type application/x-www-form-urlencoded, not multipart/form-data';
    throw new ApiError('invalid-body', 400, message);
  }
  return text.trimStart().startsWith('{') ? readJsonFields(text) : readFormFields(text);
}

function readFormFields(text: string): (name: string) => string | undefined {
  const { single } = parseParams(text, true);
  return (name) => single.get(name);
}

function readJsonFields(text: string): (name: string) => string | undefined {
  if (text.trim() === '') return () => undefined;
  const value = parseJson(text);
  if (value === undefined) {
    const message = 'The body is not valid JSON: send one JSON object, or a form with its Content-Type';
    throw new ApiError('invalid-json-body', 400, message);
  }
  if (!isJsonObject(value)) throw new ApiError('invalid-body', 400, 'The body must be a JSON object');
  return (name) => {
    const field = value[name];
    if (field === undefined || field === null || typeof field === 'string') return field ?? undefined;
    throw new ApiError('invalid-body', 400, `${name} must be a string`);
  };
}
