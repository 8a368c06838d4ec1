import { useEffect, useState } from 'preact/hooks';

const SETTLED_MS = 250;

/** A value once it has stayed the same for a moment: what somebody typed. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
