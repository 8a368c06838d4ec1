import type { JSX } from 'preact';
import { Dialog } from '../parts/dialog.tsx';
import { Note } from '../parts/note.tsx';
import { ConnectBlocks } from './connect-blocks.tsx';

/** An app or a key as it is shown once, with its secret. */
export interface MadeKey {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

/** A secret, which is shown this once. */
export function KeyDialog({
  made: { id, key, secret },
  title,
  onClose,
}: {
  made: MadeKey;
  title: string;
  onClose: () => void;
}): JSX.Element {
  return (
    <Dialog title={title} isWide onClose={onClose}>
      <div class="dialog-body">
        <Note tone="warn">Copy the secret now: it is not shown again.</Note>
        <ConnectBlocks id={id} appKey={key} secret={secret} />
      </div>
      <div class="dialog-foot">
        <button type="button" class="button primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
