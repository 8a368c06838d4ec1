/** What stands in place of a secret. Its length says nothing. */
export const MASK = '••••••';

const SECRET = 'pass(?:word|wd|phrase|code)?|pwd|token|jwt|secret|key|authorization|auth|credentials?|cookie';
const SECRET_WORD = new RegExp(`^(?:${SECRET})s?$`, 'i');
/** Words that are written together: `apikey`, `dbpassword`, `accesstoken`. */
const SECRET_ENDING =
  /(?:password|passwd|passphrase|passcode|token|jwt|secret|apikey|accesskey|privatekey|authorization|credentials?)s?$/i;
/** `PHPSESSID`, `session_id`. */
const SESSION_ID = /sess(?:ion)?[_.-]?id$/i;

/** `Bearer abc`, `Basic abc`, wherever it stands. */
const SCHEME = /\b(Bearer|Basic)(\s+)[\w.~+/=:-]+/gi;
/** `://user:password@host`, also where the password has a slash or an @ that should be written as %2F and %40. */
const USER_INFO = /(:\/\/[^\s/:@]*:)((?:(?!:\/\/)[^\s@])+(?:@[^\s@/:"',]+)*)(?=@)/g;
/** `://host.name:8443/path`, with an @ somewhere behind: there is no user in it. */
const HOST = /^:\/\/(?:localhost|[^:]*\.[^:]*):$/;
const PORT = /^\d{1,5}(?:[/?#"']|$)/;

/** `name=`, `name: `, `"name": `, and that inside of a JSON string. */
const FIELD = /(?<![\w.-])([\w.-]+)(\\*["']?\s*[=:])\s*/g;
/** `--name `. */
const OPTION = /(?<![\w.-])--?([\w-]+)\s+(?!-)/g;
/** What follows a name: in quotes up to their end, else up to a blank. Where that is unclear: rather too far. */
const VALUE = /\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s&]+/y;
/** A header has blanks in it, up to the end of its line: `Digest username="a", response="b"`, `a=1; b=2`. */
const HEADER_VALUE = /[^\r\n]+/y;

/**
 * A copy in which nothing secret is left: the values of fields called password, token, secret, key, authorization or alike, and what
 * stands behind such a name inside of a text.
 *
 * @param {unknown} value - of JSON
 */
export function mask(value) {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return value.map(mask);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, isSecretName(name) ? MASK : mask(field)]),
  );
}

/** Whether a field or variable of this name holds a secret: `apiKey`, `DB_PASSWORD`, `access-token`; but not `keyboard`, `monkey`. */
export function isSecretName(name) {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').split(/[^A-Za-z\d]+/);
  return SESSION_ID.test(name) || words.some((word) => SECRET_WORD.test(word) || SECRET_ENDING.test(word));
}

function maskText(text) {
  const fields = maskBehind(maskBehind(text, FIELD), OPTION);
  return fields
    .replace(SCHEME, `$1$2${MASK}`)
    .replace(USER_INFO, (all, user, password) => (HOST.test(user) && PORT.test(password) ? all : `${user}${MASK}`));
}

/** `X-Api-Key:`, `Cookie:` and the like, as lines of HTTP have them: in JSON the name would be in quotes. */
function isHeader(name, separator) {
  const sign = separator.trim();
  if (/(?:authorization|cookies?)$/i.test(name)) return sign === ':' || sign === '=';
  return sign === ':' && name.includes('-');
}

/** @param {RegExp} names - finds a name, and what stands between it and its value */
function maskBehind(text, names) {
  let masked = '';
  let doneTo = 0;
  for (const { 0: all, 1: name, 2: separator = '', index } of text.matchAll(names)) {
    const start = index + all.length;
    if (index < doneTo || !isSecretName(name)) continue;
    const pattern = isHeader(name, separator) ? HEADER_VALUE : VALUE;
    pattern.lastIndex = start;
    const [value] = pattern.exec(text) ?? [''];
    if (value === '') continue;
    const quote = /^\\*["']/.exec(value)?.[0] ?? '';
    masked += `${text.slice(doneTo, start)}${quote}${MASK}${quote}`;
    doneTo = start + value.length;
  }
  return masked + text.slice(doneTo);
}
