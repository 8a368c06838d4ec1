import jwt from 'jsonwebtoken';
import type { World } from '../e2e/scenarios/stage.ts';
import { call } from './api-client.ts';
import type { TestApplication } from './application.ts';
import { Backend, ENCRYPTION_MASTER_KEY } from './backend.ts';
import { APP, FULL_APP } from './broker.ts';
import { startProcess } from './process.ts';

const SECRET = 'what the issuer of tokens signs with';
const STAFF = ['super-admin', 'admin', 'operator', 'technician'];

/** The dashboard of reverse vending machines: everybody sees which are full, only staff what is behind that. */
const RVM_APP = {
  ...FULL_APP,
  auth: { jwt: { keys: [{ secret: SECRET }] }, encryptionMasterKey: ENCRYPTION_MASTER_KEY },
  channels: [
    { name: 'rvm-status' },
    { name: 'private-admin-dashboard', subscribe: { roles: STAFF } },
    { name: 'private-encrypted-admin-dashboard', subscribe: { roles: STAFF } },
    { name: 'presence-control-room.*', subscribe: { roles: STAFF } },
    { name: 'private-user.{sub}' },
    { name: 'reports', subscribe: 'token' },
  ],
};
const OTHER_SECRET = 'what the issuer of another app signs with';

export interface TokenOptions {
  /** Seconds since 1970; default: in an hour. */
  readonly exp?: number;
  /** Signed as tokens of this app are, or not at all. */
  readonly signedFor?: 'rvm' | 'other' | 'nobody';
}

/** The application hands out tokens and lets the broker decide; its own auth routes are there, too. */
export async function startRvmApplication(files?: ReadonlyMap<string, string>): Promise<TestApplication> {
  const broker = await startProcess({ apps: [RVM_APP] });
  const operations = {
    token: issueToken,
    async revoke(channel: string, userId: string): Promise<void> {
      const { status, text } = await call(broker.url, 'DELETE', `/apps/${APP.id}/channels/${channel}/users/${userId}`);
      if (status !== 200) throw new Error(text);
    },
  };
  const backend = await Backend.start(broker, { operations, ...(files && { files }) });
  const world: World = {
    key: APP.key,
    wsHost: '127.0.0.1',
    wsPort: broker.port,
    wssPort: broker.port,
    backendUrl: backend.url,
  };
  return { world, stop: () => backend.stop() };
}

function issueToken(
  claims: object,
  { exp = Math.floor(Date.now() / 1000) + 3600, signedFor = 'rvm' }: TokenOptions = {},
): string {
  if (signedFor === 'nobody') return jwt.sign({ exp, ...claims }, '', { algorithm: 'none' });
  return jwt.sign({ exp, ...claims }, signedFor === 'rvm' ? SECRET : OTHER_SECRET);
}
