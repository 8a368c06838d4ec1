import * as z from 'zod';
import type { Access } from '../admin/access.ts';
import { AdminError, invalidRequest } from '../admin/admin-error.ts';
import { problemsOf } from '../admin/app-fields.ts';
import type { Audit } from '../admin/audit.ts';
import { type Operator, THIS_MACHINE } from '../admin/operator.ts';
import { jsonAnswer, type TextAnswer } from '../admin/other-answers.ts';
import { type AdminRequest, type AdminRoute, adminRoute } from '../admin/route.ts';
import { describe } from '../admin/schemas.ts';
import type { ConsoleSession as Answer, SessionEnded } from './contract.ts';
import { SESSION_COOKIE, type Sessions, type SignInAttempts, sessionCookie } from './sessions.ts';

const signInSchema = z.strictObject({ token: z.string().max(4096).describe('admin.token, or one of admin.tokens.') });

const SESSION = describe(
  z.object({
    name: z.string().describe('Of the token.'),
    access: z.enum(['read', 'all']),
    apps: z.array(z.string()).nullable().describe('Ids of the apps that it is for; null: all.'),
    expires: z.string().nullable().describe('When one has to sign in again; null: never.'),
  }),
  'output',
);
const ENDED = describe(z.object({ ended: z.literal(true) }), 'output');

/** How browsers get from a token to a cookie, which no script can read. */
export function createSessionRoutes(
  access: Access,
  sessions: Sessions,
  attempts: SignInAttempts,
  audit: Audit,
): readonly AdminRoute[] {
  return [
    adminRoute({
      method: 'POST',
      path: '/console/session',
      summary: `exchanges a token ({ "token" }) for the cookie ${SESSION_COOKIE}, for 8 hours`,
      access: 'anybody',
      body: { schema: describe(signInSchema, 'input'), isRequired: true },
      answer: SESSION,
      async run({ headers, address, body = {} }) {
        access.checkPage(headers);
        if (!access.needsToken) return shown(THIS_MACHINE, null);
        const problems = problemsOf(signInSchema, body);
        if (problems.length > 0) throw invalidRequest(problems);
        const waitSeconds = attempts.waitSeconds(address);
        if (waitSeconds > 0) {
          const message = `Too many wrong tokens from ${address}: try again in ${waitSeconds} seconds`;
          throw new AdminError('too-many-attempts', 429, message, {}, { retryAfterSeconds: waitSeconds });
        }
        const operator = access.holderOf(signInSchema.parse(body).token);
        if (!operator) {
          attempts.failed(address);
          throw new AdminError(
            'unauthorized',
            401,
            'Wrong token: it must be that of admin.token, or one of admin.tokens',
          );
        }
        audit({ who: operator.name, what: 'signed in to the console', app: undefined, from: address });
        const { id, expiresMs } = sessions.open(operator);
        return withCookie(shown(operator, expiresMs), sessionCookie(id, isTls(headers)));
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/console/session',
      summary: 'who one is here, and what one may',
      showsOwnApps: true,
      answer: SESSION,
      run: async ({ headers, operator }) => shown(operator, sessions.in(headers)?.expiresMs ?? null),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/console/session',
      summary: 'ends the session of the cookie',
      access: 'read',
      showsOwnApps: true,
      answer: ENDED,
      async run({ headers }) {
        const session = sessions.in(headers);
        if (session) sessions.end(session);
        const ended: SessionEnded = { ended: true };
        return withCookie(ended, sessionCookie('', isTls(headers), 0));
      },
    }),
  ];
}

function shown({ name, access, apps }: Operator, expiresMs: number | null): Answer {
  return { name, access, apps: apps ?? null, expires: expiresMs === null ? null : new Date(expiresMs).toISOString() };
}

function withCookie(answer: object, cookie: string): TextAnswer {
  return jsonAnswer(answer, { 'Set-Cookie': cookie });
}

/** A proxy says so. Nobody gains by saying it without one. */
function isTls({ 'x-forwarded-proto': protocol }: AdminRequest['headers']): boolean {
  return (
    String(protocol ?? '')
      .split(',')[0]
      ?.trim() === 'https'
  );
}
