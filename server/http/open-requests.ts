/** Requests that have come and are not answered yet, their bodies included. */
export class OpenRequests {
  /**
   * Each answer is its connection's last: the node is going, so the next request had better go elsewhere than be cut off.
   */
  closesConnections = false;
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when none is open: what they do has happened then, and their clients know. */
  async settled(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
