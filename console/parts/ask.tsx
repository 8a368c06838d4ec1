import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../data/context.ts';
import { Confirm } from './dialog.tsx';
import { Icon, type IconName } from './icon.tsx';

interface AskProps {
  /** What the button says, and the one that confirms. */
  readonly action: string;
  readonly icon?: IconName;
  readonly isSmall?: boolean;
  readonly isDangerous?: boolean;
  readonly title: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  readonly run: () => Promise<unknown>;
  /** Told when it is done. */
  readonly done: string;
}

/** A button for something that is confirmed first. Who may only read does not see it. */
export function Ask({
  action,
  icon,
  isSmall = false,
  isDangerous = true,
  title,
  children,
  run,
  done,
}: AskProps): JSX.Element | null {
  const { session, messages } = useConsole();
  const [isOpen, setOpen] = useState(false);
  if (!session.mayChange) return null;
  return (
    <>
      <button
        type="button"
        class={`button ${isSmall ? 'small' : ''} ${isDangerous ? 'danger' : ''}`}
        onClick={() => setOpen(true)}
      >
        {icon && <Icon name={icon} />}
        {action}
      </button>
      {isOpen && (
        <Confirm
          title={title}
          action={action}
          isDangerous={isDangerous}
          onClose={() => setOpen(false)}
          run={async () => {
            await run();
            messages.tell(done);
          }}
        >
          {children}
        </Confirm>
      )}
    </>
  );
}
