import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Messages } from '../parts/messages.tsx';
import type { PageAddress } from './address.ts';
import type { AdminApi } from './admin-api.ts';
import type { LiveStream } from './live-stream.ts';
import type { Session } from './session.ts';
import type { Theme } from './theme.ts';

/** What views are given. */
export interface Console {
  readonly api: AdminApi;
  readonly address: PageAddress;
  readonly session: Session;
  readonly live: LiveStream;
  readonly messages: Messages;
  readonly theme: Theme;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const parts = useContext(ConsoleContext);
  if (!parts) throw new Error('no console around this part');
  return parts;
}
