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
