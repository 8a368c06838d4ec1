import { readFileSync } from 'node:fs';

export interface PageBlock {
  /** The last heading before it, without #. */
  readonly heading: string;
  /** `json`, `js`, … */
  readonly language: string;
  /** What follows the language: how a test uses the block, see `page-reader.ts`. */
  readonly mark: string;
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
  for (const [, title, language, mark, text] of source.matchAll(/^#+ (.*)$|^```(\w+)(.*)\n([\s\S]*?)^```$/gm)) {
    if (language === undefined) heading = title ?? heading;
    else blocks.push({ heading, language, mark: (mark ?? '').trim(), text: text ?? '' });
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
