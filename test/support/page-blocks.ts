import { readFileSync } from 'node:fs';

export interface PageBlock {
  /** The last heading before it, without #. */
  readonly heading: string;
  /** `json`, `js`, … */
  readonly language: string;
  readonly text: string;
}

/**
 * Blocks of code on a page of the documentation, in their order.
 *
 * @param page - path from the root of the repository
 */
export function blocksOf(page: string): readonly PageBlock[] {
  const source = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks: PageBlock[] = [];
  let heading = '';
  for (const [, title, language, text] of source.matchAll(/^#+ (.*)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (language !== undefined && text !== undefined) blocks.push({ heading, language, text });
  }
  return blocks;
}

/** The only block under a heading in a language, or the one that holds a text. */
export function blockOf(page: string, heading: string, language: string, holding = ''): string {
  const found = blocksOf(page).filter(
    (block) => block.heading === heading && block.language === language && block.text.includes(holding),
  );
  const [block] = found;
  if (block === undefined || found.length > 1)
    throw new Error(`${found.length} blocks of ${language} under ${heading}`);
  return block.text;
}
