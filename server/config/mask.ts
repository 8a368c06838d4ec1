export const MASK = '•••';

/**
 * A text as it may be shown: user, password, parameters and fragment of a URL in it are masked, and so are user and password of an address
 * without a scheme (`user:password@host`).
 */
export function maskSecrets(text: string): string {
  const hasUrl = text.includes('://');
  // Word by word, so that a long text is gone through once: errors may quote what a stranger sent.
  const masked = text.replace(/[^\s"]+/g, (word, offset: number) => {
    if (hasUrl) return maskUser(word, '://');
    return offset === 0 || text[offset - 1] === '"' ? maskUser(word, '') : word;
  });
  if (!hasUrl) return masked;
  return masked
    .replace(/([?&])([^=&#\s"]*=)?[^&#\s"]+/g, (_part, sign: string, name = '') => `${sign}${name}${MASK}`)
    .replace(/#[^\s"]+/g, `#${MASK}`);
}

/** Up to the last @: a password may hold one, or a slash. */
function maskUser(word: string, scheme: '://' | ''): string {
  const begin = scheme === '' ? 0 : word.indexOf(scheme) + scheme.length;
  const end = word.lastIndexOf('@');
  const hasPassword = scheme !== '' || (word.includes(':') && word.indexOf(':') < end);
  if (begin < scheme.length || end < begin || !hasPassword) return word;
  return `${word.slice(0, begin)}${MASK}${word.slice(end)}`;
}
