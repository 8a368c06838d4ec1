import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { ConfigProblem } from './config-error.ts';
import { type Origin, whereIs } from './origin.ts';

/** JSON with comments, together with where it came from. */
export interface JsonSource {
  readonly text: string;
  /** Where the character at `offset` stands. */
  originAt(offset: number): Origin;
}

/** Far above any configuration, far below what overflows the stack of a recursive parser. */
const maxDepth = 100;

/** JSON in a file. `file` as it is shown to people. */
export function fileSource(file: string, text: string): JsonSource {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return {
    text,
    originAt(offset) {
      const line = lineOf(lineStarts, offset);
      return { kind: 'file', file, line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
    },
  };
}

/** The last line that starts at `offset` or before. Each value is looked up, so that lines are not gone through one by one. */
function lineOf(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** JSON in a variable: all of it stands "in SOKETI_…". */
export function variableSource(origin: Origin, text: string): JsonSource {
  return { text, originAt: () => origin };
}

/** The root of the parsed text, or what is wrong with it. Comments and trailing commas are fine. */
export function parseJson(source: JsonSource, label = ''): Node | ConfigProblem {
  const tooDeep = findTooDeep(source.text);
  if (tooDeep !== undefined) return problemAt(source, tooDeep, `${label}nested more than ${maxDepth} levels deep.`);

  const errors: ParseError[] = [];
  const root = parseTree(source.text, errors, { allowTrailingComma: true });
  // What follows the first error is its aftermath.
  const [first] = errors;
  if (first !== undefined) return problemAt(source, first.offset, `${label}${explain(first, source.text)}`);
  if (root === undefined) return problemAt(source, 0, `${label}expected JSON, got nothing.`);
  return root;
}

export function isProblem(parsed: Node | ConfigProblem): parsed is ConfigProblem {
  return 'where' in parsed;
}

function problemAt(source: JsonSource, offset: number, message: string): ConfigProblem {
  return { where: whereIs(source.originAt(offset)), message };
}

/** The offset of the first bracket that is nested too deeply. */
function findTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token = scanner.scan(); token !== tokens.endOfFile; token = scanner.scan()) {
    if (token === tokens.openBrace || token === tokens.openBracket) depth++;
    if (token === tokens.closeBrace || token === tokens.closeBracket) depth--;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

/** `SyntaxKind` of jsonc-parser: a `const enum`, which has no value at run time. */
const tokens = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, endOfFile: 17 };

const WORDS = /^(true|false|null|none|undefined|nan|yes|no|on|off)$/i;

/** What stands at an error, when that is a name, punctuation or one of the usual words: any other text may be a secret. */
function shown({ offset, length }: ParseError, text: string): string {
  const found = text.slice(offset, offset + length).trim();
  const isName = /^\s*:/.test(text.slice(offset + length)) && !/:\s*$/.test(text.slice(0, offset));
  if (isName || found.length === 1 || WORDS.test(found)) return JSON.stringify(found.slice(0, 20));
  if (found === '') return '';
  return found.startsWith('"') ? 'a text' : 'this word';
}

function explain(error: ParseError, text: string): string {
  const found = shown(error, text);
  const got = found === '' ? 'the text ends' : `found ${found}`;
  switch (printParseErrorCode(error.error)) {
    case 'InvalidSymbol':
      return `syntax error: ${found} is not JSON. Texts and names need double quotes.`;
    case 'PropertyNameExpected':
      return `syntax error: expected a name in double quotes, ${got}.`;
    case 'ValueExpected':
      return `syntax error: expected a value, ${got}.`;
    case 'ColonExpected':
      return `syntax error: expected a colon after the name, ${got}.`;
    case 'CommaExpected':
    case 'InvalidNumberFormat':
      return /[[{:,\s]-?0$/.test(text.slice(0, error.offset).slice(-10))
        ? 'syntax error: a number must not start with 0. Put it in double quotes to keep it as it is.'
        : `syntax error: expected a comma, ${got}.`;
    case 'CloseBraceExpected':
      return `syntax error: expected a closing }, ${got}.`;
    case 'CloseBracketExpected':
      return `syntax error: expected a closing ], ${got}.`;
    case 'EndOfFileExpected':
      return `syntax error: expected the end, ${got}.`;
    case 'UnexpectedEndOfString':
      return 'syntax error: a text is not closed by a double quote on its line.';
    case 'InvalidEscapeCharacter':
    case 'InvalidUnicode':
      return 'syntax error: a backslash in this text begins nothing that JSON knows. A backslash itself is written \\\\.';
    case 'UnexpectedEndOfComment':
      return 'syntax error: a comment is not closed.';
    default:
      return `syntax error: ${got}.`;
  }
}
