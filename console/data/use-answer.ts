import { useEffect, useState } from 'preact/hooks';
import { messageOf } from './admin-api.ts';
import { useConsole } from './context.ts';

/** What the admin API answered to a GET, and what became of the last try. */
export interface Answer<Data> {
  /** Of the last request that worked; undefined as long as there was none. */
  readonly data: Data | undefined;
  /** Why the last request did not; undefined: it did. */
  readonly error: string | undefined;
  readonly again: () => void;
}

interface Kept<Data> {
  readonly path: string;
  readonly data: Data | undefined;
  readonly error: string | undefined;
}

/**
 * Asks the admin API, and again after some seconds as long as somebody looks.
 *
 * @param path - '' asks nothing
 * @param everySeconds - 0: only once
 */
export function useAnswer<Data>(path: string, everySeconds = 0): Answer<Data> {
  const { api } = useConsole();
  const [kept, setKept] = useState<Kept<Data>>({ path, data: undefined, error: undefined });
  const [round, setRound] = useState(0);

  useEffect(() => {
    if (path === '') return;
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      if (!document.hidden) {
        const outcome = await api.get<Data>(path).then(
          (data) => ({ data, error: undefined }),
          (error: unknown) => ({ data: undefined, error: messageOf(error) }),
        );
        if (!isCurrent) return;
        setKept((before) => {
          const old = before.path === path ? before.data : undefined;
          return { path, data: outcome.data ?? old, error: outcome.error };
        });
      }
      if (everySeconds > 0) timer = setTimeout(() => void ask(), everySeconds * 1000);
    };
    void ask();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api, path, everySeconds, round]);

  const again = (): void => setRound((before) => before + 1);
  return kept.path === path
    ? { data: kept.data, error: kept.error, again }
    : { data: undefined, error: undefined, again };
}
