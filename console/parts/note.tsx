import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icon.tsx';

interface NoteProps {
  readonly tone?: 'info' | 'good' | 'warn' | 'bad';
  readonly children: ComponentChildren;
  /** A button at its end. */
  readonly action?: ComponentChildren;
}

/** Something that one should know before going on. Problems are read out. */
export function Note({ tone = 'info', children, action }: NoteProps): JSX.Element {
  const icon: IconName = tone === 'good' ? 'done' : tone === 'info' ? 'info' : 'warn';
  return (
    <div class={`note-box ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name={icon} />
      <div class="wrap">{children}</div>
      {action && <div class="push">{action}</div>}
    </div>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** In place of a list in which there is nothing: why, and what to do about it. */
export function Empty({ icon, title, children }: EmptyProps): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface FailureProps {
  readonly error: string;
  readonly again: () => void;
}

/** An answer did not come. */
export function Failure({ error, again }: FailureProps): JSX.Element {
  return (
    <Note
      tone="bad"
      action={
        <button type="button" class="button small" onClick={again}>
          <Icon name="again" /> Try again
        </button>
      }
    >
      {error}
    </Note>
  );
}

/** While the first answer is awaited. */
export function Waiting(): JSX.Element {
  return (
    <p class="empty muted" role="status">
      Loading …
    </p>
  );
}
