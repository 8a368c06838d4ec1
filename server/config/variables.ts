import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'dotenv';
import type { ConfigProblem } from './config-error.ts';
import type { Origin } from './origin.ts';

/** The environment as handed to a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that has a value; an empty one counts as not set. */
export interface Variable {
  readonly name: string;
  readonly text: string;
  readonly origin: Origin;
}

/**
 * The variables of the environment and of the `.env` file in the working directory; the environment wins.
 *
 * @param problems - told when `.env` exists but can't be read
 */
export function collectVariables(env: Environment, cwd: string, problems: ConfigProblem[]): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  const add = (values: Environment, dotenv: boolean): void => {
    for (const [name, text] of Object.entries(values)) {
      if (text === undefined || text.trim() === '') continue;
      variables.set(name, { name, text, origin: { kind: 'variable', name, dotenv } });
    }
  };
  add(readDotenv(cwd, problems), true);
  add(env, false);
  return variables;
}

function readDotenv(cwd: string, problems: ConfigProblem[]): Environment {
  try {
    return parse(readFileSync(path.join(cwd, '.env'), 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    // A folder of that name is somebody else's: Python's virtual environments are called so.
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') {
      problems.push({ where: '.env', message: `the file can't be read (${code}).` });
    }
    return {};
  }
}

/**
 * Kubernetes tells every container about a service named `kulkul` in variables like `KULKUL_PORT=tcp://10.0.0.1:6001`
 * and `KULKUL_SERVICE_HOST`. They look like ours, but are nobody's settings.
 */
export function isServiceLink({ name, text }: Variable): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text);
}
