/** Stands for the application's own login: whoever gives a name and a role gets a token that says so, for ten minutes. */
import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { serveEndpoint } from '../shared/endpoint.mjs';
import { variablesOf } from '../shared/variables.mjs';

const ROLES = ['viewer', 'operator', 'technician', 'admin', 'super-admin'];
const { LOGIN_PORT, PAGE_PORT, TOKEN_SECRET } = variablesOf('LOGIN_PORT', 'PAGE_PORT', 'TOKEN_SECRET');
const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 600);

serveEndpoint({ port: LOGIN_PORT, pagePort: PAGE_PORT, path: '/login' }, ({ name, role }) => {
  if (typeof name !== 'string' || name.trim() === '' || name.length > 40) {
    return { status: 422, body: { error: 'Give a name of up to 40 characters.' } };
  }
  if (!ROLES.includes(role)) return { status: 422, body: { error: `Choose a role: ${ROLES.join(', ')}.` } };
  // Nobody proves a name here: two who give the same one are two people.
  const id = randomUUID();
  const claims = { sub: id, role, user_info: { id, name: name.trim(), role } };
  const token = jwt.sign(claims, TOKEN_SECRET, { issuer: 'rvm-login', audience: 'rvm', expiresIn: tokenSeconds });
  return { status: 200, body: { token, id } };
});
process.stdout.write(`Login at http://127.0.0.1:${LOGIN_PORT}/login\n`);
