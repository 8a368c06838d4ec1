import { LinkState } from './link-state.ts';

/** What all links have in common: whether they are up, and who is told of that and of messages. */
export abstract class StatefulLink {
  protected readonly state = new LinkState();
  #onMessage: (topic: string, payload: string) => void = () => {};

  get isUp(): boolean {
    return this.state.isUp;
  }

  get problem(): string | undefined {
    return this.state.problem;
  }

  whenUp(): Promise<void> {
    return this.state.whenUp();
  }

  onMessage(handler: (topic: string, payload: string) => void): void {
    this.#onMessage = handler;
  }

  onLost(handler: () => void): void {
    this.state.onLost(handler);
  }

  onRestored(handler: () => void): void {
    this.state.onRestored(handler);
  }

  protected receive(topic: string, payload: string): void {
    this.#onMessage(topic, payload);
  }
}
