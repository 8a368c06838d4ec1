import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../data/context.ts';
import { Icon } from './icon.tsx';

const SHOWN_MS = 1500;

interface CopyProps {
  /** What is copied. */
  readonly text: string;
  /** What the button says. */
  readonly label: string;
  /** Only the picture is shown; the label is read out. */
  readonly isSmall?: boolean;
}

export function CopyButton({ text, label, isSmall = false }: CopyProps): JSX.Element {
  const { messages } = useConsole();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await copyText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), SHOWN_MS);
    } catch {
      messages.complain('This browser does not let the page copy: select the text and copy it yourself.');
    }
  };
  return (
    <button
      type="button"
      class={`button small ${isSmall ? 'quiet square' : ''}`}
      aria-label={isSmall ? label : undefined}
      title={isSmall ? label : undefined}
      onClick={() => void copy()}
    >
      <Icon name={isCopied ? 'done' : 'copy'} />
      {!isSmall && (isCopied ? 'Copied' : label)}
    </button>
  );
}

async function copyText(text: string): Promise<void> {
  // Only pages of https: and of this machine have a clipboard.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('not copied');
}
