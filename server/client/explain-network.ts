/** Why a server could not be reached, as the end of a sentence for people. */
export function explainNetwork(error: unknown): string {
  const { code, message } = failureOf(error);
  return SENTENCES[code] ?? (message === '' ? code : message);
}

/** The code of what made a connection fail, `ECONNREFUSED`; '' where there is none. */
export function networkCode(error: unknown): string {
  return failureOf(error).code;
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'no answer in time',
  ENOENT: 'there is no such socket',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes without the rest of the chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes without the rest of the chain',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  EPROTO: 'TLS fails',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
};

interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Of several addresses of a name, the first one that failed. */
function failureOf(error: unknown): Failure {
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '' && error.cause !== undefined) return failureOf(error.cause);
  return { code, message: error.message };
}
