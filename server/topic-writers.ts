import type { Transport } from '../channels/connection.ts';
import type { Outlet } from '../channels/fan-out.ts';

/** A client that native topics can't reach. */
export interface Writer<Message> extends Transport {
  /** Takes a message. It need not be on its way before `flush`. */
  put(message: Message): void;
  flush(): void;
}

/** Reaches clients one by one, for transports without native topics. */
export class TopicWriters<Message> implements Outlet<Message> {
  readonly #byTopic = new Map<string, Set<Writer<Message>>>();
  /** Topics whose writers have messages that are not on their way. */
  readonly #unwritten = new Set<ReadonlySet<Writer<Message>>>();

  add(topic: string, writer: Writer<Message>): void {
    const writers = this.#byTopic.get(topic);
    if (writers) writers.add(writer);
    else this.#byTopic.set(topic, new Set([writer]));
  }

  remove(topic: string, writer: Writer<Message>): void {
    const writers = this.#byTopic.get(topic);
    writers?.delete(writer);
    if (writers?.size === 0) this.#byTopic.delete(topic);
  }

  publish(topic: string, message: Message, except: Transport | undefined): void {
    const writers = this.#byTopic.get(topic);
    if (!writers) return;
    for (const writer of writers) if (writer !== except) writer.put(message);
    // Many messages may come in one turn of the event loop: a writer gets them as one.
    if (this.#unwritten.size === 0) process.nextTick(() => this.#flush());
    this.#unwritten.add(writers);
  }

  #flush(): void {
    const all = [...this.#unwritten];
    this.#unwritten.clear();
    // A writer may leave meanwhile.
    for (const writers of all) for (const writer of writers) writer.flush();
  }
}
