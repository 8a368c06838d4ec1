import { useEffect, useState } from 'preact/hooks';

/** Of the style sheet. */
export const PHONE = '(max-width: 720px)';
export const NARROW = '(max-width: 1080px)';

export function useMedia(query: string): boolean {
  const [isMet, setMet] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const update = (): void => setMet(media.matches);
    update();
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [query]);
  return isMet;
}
