import * as z from 'zod';
import { about, filled, list, text } from './setting.ts';

/** A token for the admin API, or none: ''. */
export const adminToken = () =>
  text().refine((value) => value === '' || /^[\x21-\x7e]{16,}$/.test(value), {
    error: 'must have at least 16 characters, all of them letters, digits or signs (openssl rand -hex 32)',
  });

const adminTokenSchema = z.strictObject(
  {
    name: about(
      filled()
        .max(60, 'must have at most 60 characters')
        .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@-]*$/u, 'must be a name of letters, digits, spaces and . _ @ -'),
      'Who has it: a person or a program. The audit lines of the log name it.',
    ),
    token: about(adminToken().min(1, 'must not be empty'), 'What is sent.', { secret: 'always' }),
    access: about(z.enum(['read', 'all']).default('read'), '`read`: look. `all`: look and change.'),
    apps: about(
      list().min(1, 'must name an app; leave it out for all of them').optional(),
      'Ids of the apps that it is for. Left out: all, and what is about none.',
    ),
  },
  { error: 'expected an object with name and token' },
);

export type AdminTokenOptions = z.output<typeof adminTokenSchema>;

export const adminTokensSchema = z
  .array(adminTokenSchema, { error: 'expected a list of { "name", "token", "access", "apps" }' })
  .superRefine((tokens, context) => {
    for (const field of ['name', 'token'] as const) {
      const seen = new Set<string>();
      for (const [index, { [field]: value }] of tokens.entries()) {
        if (seen.has(value)) {
          context.addIssue({ code: 'custom', path: [index, field], message: `is the ${field} of another one, too` });
        }
        seen.add(value);
      }
    }
  });
