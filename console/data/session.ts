import { type Signal, signal } from '@preact/signals';
import type { ConsoleSession } from '../../server/console/contract.ts';
import { type AdminApi, AdminApiError, messageOf } from './admin-api.ts';

export type SessionState =
  | { readonly is: 'unknown' }
  /** The broker could not be asked. */
  | { readonly is: 'unreachable'; readonly message: string }
  | { readonly is: 'signed-out'; readonly note: string }
  | { readonly is: 'signed-in'; readonly session: ConsoleSession };

/** Who uses the page. */
export class Session {
  readonly state: Signal<SessionState> = signal({ is: 'unknown' });

  get mayChange(): boolean {
    const { value } = this.state;
    return value.is === 'signed-in' && value.session.access === 'all';
  }

  /** Whether one may see and change all apps, and what is not of any. */
  get seesAllApps(): boolean {
    const { value } = this.state;
    return value.is === 'signed-in' && value.session.apps === null;
  }

  async ask(api: AdminApi): Promise<void> {
    try {
      this.state.value = { is: 'signed-in', session: await api.get('/console/session') };
    } catch (error) {
      if (error instanceof AdminApiError && error.status === 401) return;
      // What is on the page stays there until the broker is back.
      if (this.state.value.is === 'signed-in') return;
      this.state.value = { is: 'unreachable', message: messageOf(error) };
    }
  }

  /** @throws {AdminApiError} by rejection, 401: the token is wrong */
  async signIn(api: AdminApi, token: string): Promise<void> {
    this.state.value = { is: 'signed-in', session: await api.call('POST', '/console/session', { token }) };
  }

  async signOut(api: AdminApi): Promise<void> {
    await api.call('DELETE', '/console/session');
    this.state.value = { is: 'signed-out', note: '' };
  }

  /** The broker no longer knows the session that the page had. */
  end(): void {
    const wasIn = this.state.value.is === 'signed-in';
    if (this.state.value.is === 'signed-out') return;
    this.state.value = { is: 'signed-out', note: wasIn ? 'Your session has ended. Sign in again.' : '' };
  }
}
