import { isIP } from 'node:net';
import { checkServerIdentity, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { explainNetwork } from '../client/explain-network.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Looks at the certificate of a server, and whether clients can verify it. */
export async function examineCertificate(
  host: string,
  port: number,
  timeoutMs: number,
  nowMs: number,
): Promise<Finding> {
  let socket: TLSSocket;
  try {
    socket = await shakeHands(host, port, timeoutMs);
  } catch (error) {
    const speaksPlain = isPlainAnswer(error);
    return speaksPlain
      ? failure('certificate', 'tls-not-spoken', `port ${port} does not speak TLS`)
      : failure('certificate', 'tls-fails', `TLS fails: ${explainNetwork(error)}`);
  }
  try {
    return judge(socket, host, nowMs);
  } finally {
    socket.destroy();
  }
}

/** Whether a server speaks TLS there, whatever its certificate is. */
export async function speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  try {
    (await shakeHands(host, port, timeoutMs)).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Resolves with a connection whatever the certificate says. */
function shakeHands(host: string, port: number, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ...name, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

function isPlainAnswer(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    /wrong version number|packet length too long/.test(String(error))
  );
}

function judge(socket: TLSSocket, host: string, nowMs: number): Finding {
  const certificate = socket.getPeerCertificate(true);
  const expires = new Date(certificate.valid_to);
  const days = Math.floor((expires.getTime() - nowMs) / DAY_MS);
  const date = expires.toISOString().slice(0, 10);
  if (expires.getTime() < nowMs) {
    return failure('certificate', 'certificate-expired', `it expired on ${date}, ${daysText(-days)} ago`);
  }
  const code = socket.authorized ? '' : String(socket.authorizationError);
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return failure('certificate', 'certificate-self-signed', 'it is self-signed');
  }
  if (checkServerIdentity(host, certificate) !== undefined) {
    return failure('certificate', 'certificate-other-name', `it is for ${namesOf(certificate)}, not for ${host}`);
  }
  if (code !== '') return untrusted(certificate, code);
  const found = `good until ${date}, ${daysText(days)} from now`;
  return days < SOON_DAYS ? warning('certificate', 'certificate-expires-soon', found) : ok('certificate', found);
}

/** The server sends its own certificate and those that lead to an authority; without the rest, or with an unknown end, nobody can verify it. */
function untrusted(certificate: DetailedPeerCertificate, code: string): Finding {
  const issuer = certificate.issuer.CN ?? certificate.issuer.O ?? 'an unknown authority';
  const isAlone = certificate.issuerCertificate === undefined || certificate.issuerCertificate === certificate;
  return isAlone
    ? failure(
        'certificate',
        'certificate-chain-incomplete',
        `it comes without the certificate of ${issuer}, which issued it (${code})`,
      )
    : failure('certificate', 'certificate-untrusted', `it leads to an authority that is not trusted here (${code})`);
}

function namesOf({ subjectaltname = '', subject }: DetailedPeerCertificate): string {
  const names = subjectaltname.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return names.filter(Boolean).slice(0, 5).join(', ') || String(subject.CN ?? 'another name');
}

function daysText(days: number): string {
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}
