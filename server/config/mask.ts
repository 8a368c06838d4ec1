export const MASK = '•••';

/**
 * A text as it may be shown: user, password, parameters and fragment of a URL in it are masked, and so are user and password of an address
 * without a scheme (`user:password@host`).
 */
export function maskSecrets(text: string): string {
  if (!text.includes('://')) return text.replace(/(^|")[^\s"]*:[^\s"]*@/g, `$1${MASK}@`);
  return (
    text
      // Up to the last @: a password may hold one, or a slash.
      .replace(/:\/\/[^\s"]*@/g, `://${MASK}@`)
      .replace(/([?&])([^=&#\s"]*=)?[^&#\s"]+/g, (_part, sign: string, name = '') => `${sign}${name}${MASK}`)
      .replace(/#[^\s"]+/g, `#${MASK}`)
  );
}
