import { connect, type Socket } from 'node:net';

const OK = 'HTTP/1.1 200';

/** A keep-alive connection on which one request is under way at a time. All answers must be 200 and of one length. */
export class HttpConnection {
  readonly #socket: Socket;
  #answerBytes = 0;
  #received = 0;
  #onAnswer: () => void = () => {};

  private constructor(port: number, onFailure: (error: Error) => void) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error('the server closed an HTTP connection')));
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk);
      } catch (error) {
        onFailure(error as Error);
      }
    });
  }

  static async open(port: number, onFailure: (error: Error) => void): Promise<HttpConnection> {
    const connection = new HttpConnection(port, onFailure);
    await new Promise<void>((resolve) => connection.#socket.once('connect', resolve));
    return connection;
  }

  request(request: Buffer, onAnswer: () => void): void {
    this.#received = 0;
    this.#onAnswer = onAnswer;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#received === 0 && chunk.toString('latin1', 0, OK.length) !== OK) {
      throw new Error(`a request was refused:\n${chunk.toString()}`);
    }
    // The first answer is one small segment on loopback; its length holds for all that follow.
    if (this.#answerBytes === 0) this.#answerBytes = chunk.length;
    this.#received += chunk.length;
    if (this.#received > this.#answerBytes) throw new Error('answers differ in length: the count would be wrong');
    if (this.#received === this.#answerBytes) this.#onAnswer();
  }
}
