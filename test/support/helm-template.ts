import { parse, stringify } from 'yaml';

type Value = unknown;
interface Scope {
  /** What Go calls dot. */
  readonly dot: Value;
  readonly variables: ReadonlyMap<string, Value>;
}

interface Block {
  readonly action: string;
  readonly parts: Part[];
}
type Part = string | Block;

/**
 * The text that Helm would make of a template, for the few constructs of Go's templates that ours have: `if`, `range` over a map or
 * list with variables, fields, pipelines and some functions. For where Helm itself is not to be had.
 *
 * @param root - `Values`, `Release`, `Chart`
 * @throws {Error} a construct is not among them, or the template itself refuses
 */
export function renderHelm(template: string, root: Readonly<Record<string, unknown>>): string {
  return write(parts(template), { dot: root, variables: new Map([['$', root]]) });
}

function parts(template: string): Part[] {
  const top: Part[] = [];
  const stack: Part[][] = [top];
  const trimmed = template.replace(/\s*\{\{-/g, '{{').replace(/-\}\}\s*/g, '}}');
  for (const [index, text] of trimmed.split(/\{\{(.*?)\}\}/).entries()) {
    const current = stack.at(-1);
    if (current === undefined) throw new Error('An end too many');
    if (index % 2 === 0) current.push(text);
    else if (text.trim() === 'end') stack.pop();
    else {
      const block = { action: text.trim(), parts: [] };
      current.push(block);
      if (/^(if|range) /.test(block.action)) stack.push(block.parts);
    }
  }
  if (stack.length !== 1) throw new Error('An end is missing');
  return top;
}

function write(list: readonly Part[], scope: Scope): string {
  return list.map((part) => (typeof part === 'string' ? part : act(part, scope))).join('');
}

function act({ action, parts: inner }: Block, scope: Scope): string {
  const condition = /^if (.*)$/.exec(action)?.[1];
  if (condition !== undefined) return isTrue(evaluate(condition, scope)) ? write(inner, scope) : '';
  const [, first, second, expression = ''] = /^range (\$\w+)(?:, (\$\w+))? := (.*)$/.exec(action) ?? [];
  if (first === undefined) return String(evaluate(action, scope));
  const entries = Object.entries(evaluate(expression, scope) as object);
  return entries
    .map(([key, value]) => {
      const variables = new Map(scope.variables);
      if (second !== undefined) variables.set(first, key);
      variables.set(second ?? first, value);
      return write(inner, { dot: value, variables });
    })
    .join('');
}

/** As Go's templates see it: empty lists and maps are false, too. */
function isTrue(value: Value): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}

/** A pipeline: the last argument of each command is the result of the one before it. */
function evaluate(expression: string, scope: Scope): Value {
  const tokens = expression.match(/"[^"]*"|[()|]|[^\s()|]+/g) ?? [];
  const result = pipeline(tokens, scope);
  if (tokens.length > 0) throw new Error(`Not understood: ${expression}`);
  return result;
}

/** Takes what it reads from the tokens. */
function pipeline(tokens: string[], scope: Scope): Value {
  let piped: Value[] = [];
  for (;;) {
    const name = tokens[0] ?? '';
    const called = FUNCTIONS[name];
    if (called !== undefined) tokens.shift();
    const operands: Value[] = [];
    while (tokens[0] !== undefined && tokens[0] !== '|' && tokens[0] !== ')') operands.push(operand(tokens, scope));
    if (called === undefined && operands.length + piped.length !== 1) throw new Error(`No function: ${name}`);
    piped = [called === undefined ? operands[0] : called(...operands, ...piped)];
    if (tokens[0] !== '|') return piped[0];
    tokens.shift();
  }
}

function operand(tokens: string[], scope: Scope): Value {
  const token = tokens.shift() ?? '';
  if (token === '(') {
    const inner = pipeline(tokens, scope);
    if (tokens.shift() !== ')') throw new Error('A bracket is not closed');
    return inner;
  }
  if (/^("|\d)/.test(token)) return JSON.parse(token);
  const [variable = '', ...path] = token.split('.');
  if (!/^(\$\w*)?$/.test(variable)) throw new Error(`No function, and no value: ${token}`);
  const start = variable === '' ? scope.dot : scope.variables.get(variable);
  return path.reduce<Value>((value, name) => {
    if (typeof value !== 'object' || value === null || !(name in value)) throw new Error(`No value: ${token}`);
    return value[name as keyof typeof value];
  }, start);
}

const FUNCTIONS: Readonly<Record<string, (...operands: Value[]) => Value>> = {
  add: (...numbers) => numbers.map(Number).reduce((sum, number) => sum + number, 0),
  default: (fallback, value) => (isTrue(value) ? value : fallback),
  dict: (name, value) => ({ [String(name)]: value }),
  fail(message) {
    throw new Error(String(message));
  },
  gt: (a, b) => Number(a) > Number(b),
  int: (value) => Math.trunc(Number(value)),
  list: (...values) => values,
  merge: (first, second) => ({ ...(second as object), ...(first as object) }),
  nindent: (width, text) => `\n${String(text).replace(/^/gm, ' '.repeat(Number(width)))}`,
  not: (value) => !isTrue(value),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  quote: (value) => JSON.stringify(String(value)),
  toJson: (value) => JSON.stringify(value),
  toYaml: (value) => stringify(value).trimEnd(),
};

/** Values of a chart with others over them, map by map, as `helm --values` does. */
export function mergeValues(chart: string, others: string): Record<string, unknown> {
  return over(parse(chart), parse(others));
}

function over(below: Value, above: Value): Record<string, unknown> {
  const isMap = (value: Value): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const merged = { ...(below as Record<string, unknown>) };
  for (const [name, value] of Object.entries(above as object)) {
    merged[name] = isMap(value) && isMap(merged[name]) ? over(merged[name], value) : value;
  }
  return merged;
}
