import { INTERNAL_ERROR } from '../../channels/receive.ts';
import { ApiError, CLOSE_CODES, type Disconnect, SubscriptionError } from '../../protocol/errors.ts';

/** What HTTP says to a reader who is refused. */
export function refusalError(error: Disconnect | SubscriptionError): ApiError {
  if (error instanceof SubscriptionError) {
    const headers = { ...(error.status === 401 && { 'WWW-Authenticate': 'Bearer' }) };
    return new ApiError(error.id, error.status < 600 ? error.status : 503, error.message, undefined, headers);
  }
  if (error === INTERNAL_ERROR) return FAILURE;
  const isRefused = error.code < CLOSE_CODES.overCapacity && error.code !== CLOSE_CODES.overConnectionQuota;
  return new ApiError(error.id, isRefused ? 403 : 503, error.message);
}

const FAILURE = new ApiError('internal-error', 500, 'Internal error: see the log of the server');
