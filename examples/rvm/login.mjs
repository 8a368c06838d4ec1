/** Stands for the application's own login: whoever gives a name and a role gets a token that says so, for ten minutes. */
import jwt from 'jsonwebtoken';
import { serveEndpoint } from '../shared/endpoint.mjs';

const ROLES = ['viewer', 'operator', 'technician', 'admin', 'super-admin'];
const { LOGIN_PORT, PAGE_PORT, TOKEN_SECRET } = process.env;

serveEndpoint({ port: LOGIN_PORT, pagePort: PAGE_PORT, path: '/login' }, ({ name, role }) => {
  if (typeof name !== 'string' || name.trim() === '' || name.length > 40) {
    return { status: 422, body: { error: 'Give a name of up to 40 characters.' } };
  }
  if (!ROLES.includes(role)) return { status: 422, body: { error: `Choose a role: ${ROLES.join(', ')}.` } };
  const claims = { sub: name.trim().toLowerCase(), role, user_info: { name: name.trim(), role } };
  const token = jwt.sign(claims, TOKEN_SECRET, { issuer: 'rvm-login', audience: 'rvm', expiresIn: '10m' });
  return { status: 200, body: { token } };
});
process.stdout.write(`Login at http://127.0.0.1:${LOGIN_PORT}/login\n`);
