/** Takes the place of the application's own login: whoever gives a name and a role gets a token that says so, for ten minutes. */
import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';

const ROLES = ['viewer', 'operator', 'technician', 'admin', 'super-admin'];
/** As kulkul.json has it, where the broker checks the same tokens. */
const TOKEN = { issuer: 'rvm-login', audience: 'rvm' };

export class Login {
  #secret;
  #seconds;

  constructor(secret, seconds) {
    this.#secret = secret;
    this.#seconds = seconds;
  }

  /** @returns {{ status: number, body: { token: string, id: string } | { message: string } }} */
  answer({ name, role }) {
    if (typeof name !== 'string' || name.trim() === '' || name.length > 40) {
      return { status: 422, body: { message: 'Give a name of up to 40 characters.' } };
    }
    if (!ROLES.includes(role)) return { status: 422, body: { message: `Choose a role: ${ROLES.join(', ')}.` } };
    // Nobody proves a name here: two who give the same one are two people.
    const id = randomUUID();
    const claims = { sub: id, role, user_info: { id, name: name.trim(), role } };
    const token = jwt.sign(claims, this.#secret, { ...TOKEN, expiresIn: this.#seconds });
    return { status: 200, body: { token, id } };
  }

  /**
   * @param {string | undefined} authorization - the header
   * @returns whose token it is; undefined: there is none, or it has expired
   */
  roleOf(authorization) {
    const [, token] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) return undefined;
    try {
      return jwt.verify(token, this.#secret, { ...TOKEN, algorithms: ['HS256'] }).role;
    } catch {
      return undefined;
    }
  }
}
