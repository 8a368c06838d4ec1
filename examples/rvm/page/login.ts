export interface Member {
  /** Of the login: two people may have the same name. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

export interface Login {
  readonly token: string;
  readonly own: Member;
}

/** @throws {Error} with the reason in words */
export async function requestLogin(name: string, role: string): Promise<Login> {
  const answer = await fetch('/api/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name, role }),
  }).catch(() => undefined);
  const body = (await answer?.json().catch(() => undefined)) as { token?: string; id?: string; message?: string };
  if (body === undefined) throw new Error('The login does not answer: is it running?');
  const { token, id, message = 'The login failed.' } = body;
  if (token === undefined || id === undefined) throw new Error(message);
  return { token, own: { id, name, role } };
}
