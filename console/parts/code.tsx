import type { ComponentChildren, JSX } from 'preact';
import { formatJson } from '../data/json.ts';
import { CopyButton } from './copy.tsx';

interface CodeProps {
  readonly title: string;
  readonly text: string;
  /** As it is shown: colored. Default: the text. */
  readonly children?: ComponentChildren;
}

/** Text to read and to copy. */
export function Code({ title, text, children = text }: CodeProps): JSX.Element {
  return (
    <div class="code">
      <div class="code-head">
        <span>{title}</span>
        <span class="push">
          <CopyButton text={text} label={`Copy ${title}`} isSmall />
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label={title}>
        <pre>{children}</pre>
      </section>
    </div>
  );
}

/** JSON in its usual form, else the text as it is. */
export function Payload({ title, text }: { title: string; text: string }): JSX.Element {
  const formatted = formatJson(text);
  return (
    <Code title={title} text={formatted ?? text}>
      {formatted === undefined ? text : colored(formatted)}
    </Code>
  );
}

const PARTS = /("(?:[^"\\]|\\.)*")(:?)|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;
/** Longer texts are shown without colors: each color is an element. */
const MOST_COLORED = 20_000;

function colored(json: string): ComponentChildren {
  if (json.length > MOST_COLORED) return json;
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of json.matchAll(PARTS)) {
    const [whole, text, colon] = match;
    parts.push(json.slice(at, match.index));
    at = match.index + whole.length;
    if (text === undefined) parts.push(<span class="json-word">{whole}</span>);
    else if (colon) parts.push(<span class="json-key">{text}</span>, ':');
    else parts.push(<span class="json-text">{text}</span>);
  }
  parts.push(json.slice(at));
  return parts;
}
