/** What is wrong with a text that has to be JSON, in one line; undefined: nothing. */
export function jsonProblem(text: string): string | undefined {
  if (text.trim() === '') return 'Write some JSON: null, if there is nothing to say.';
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `This is no JSON: ${message}.`;
  }
}

/** Undefined: it is no JSON. Numbers, keys and escapes stay as they were written. */
export function formatJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indented(text);
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** JSON.stringify would round long numbers and drop repeated keys. */
function indented(json: string): string {
  let depth = 0;
  let out = '';
  let before = '';
  const line = (): string => `\n${'  '.repeat(depth)}`;
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '}' || token === ']') {
      depth -= 1;
      out += before === '{' || before === '[' ? token : `${line()}${token}`;
    } else {
      if (before === '{' || before === '[' || before === ',') out += line();
      out += token === ':' ? ': ' : token;
      if (token === '{' || token === '[') depth += 1;
    }
    before = token;
  }
  return out;
}
