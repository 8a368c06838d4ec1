import { type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { messageOf } from '../data/admin-api.ts';
import { Icon } from './icon.tsx';

interface Message {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

/** Good news goes by itself, in milliseconds; bad news stays until it is closed. */
const SHOWN_MS = 5000;
const MOST = 4;

/** Short texts about what was just done. */
export class Messages {
  readonly shown: Signal<readonly Message[]> = signal([]);
  #lastId = 0;

  tell(text: string): void {
    const { id } = this.#add('good', text);
    setTimeout(() => this.close(id), SHOWN_MS);
  }

  complain(error: unknown): void {
    this.#add('bad', messageOf(error));
  }

  close(id: number): void {
    this.shown.value = this.shown.value.filter((message) => message.id !== id);
  }

  #add(tone: Message['tone'], text: string): Message {
    this.#lastId += 1;
    const message: Message = { id: this.#lastId, tone, text };
    this.shown.value = [...this.shown.value.slice(1 - MOST), message];
    return message;
  }
}

export function MessageList({ messages }: { messages: Messages }): JSX.Element {
  return (
    <div class="messages" role="status" aria-live="polite">
      {messages.shown.value.map(({ id, tone, text }) => (
        <div key={id} class={`message ${tone}`}>
          <Icon name={tone === 'good' ? 'done' : 'warn'} />
          <span class="wrap">{text}</span>
          <button
            type="button"
            class="button quiet small square"
            aria-label="Close message"
            onClick={() => messages.close(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
