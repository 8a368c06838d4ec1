import { once } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Address } from './address.ts';
import { dropSocket, openSocket } from './open-socket.ts';

const OK = 'HTTP/1.1 200';
const HEAD_END = '\r\n\r\n';

/**
 * A keep-alive connection on which one request is under way at a time. All answers must be 200. Where the server does not keep it
 * (Soketi never does), each request has a new one.
 */
export class HttpConnection {
  readonly #address: Address;
  readonly #onFailure: (error: Error) => void;
  #socket: Socket;
  /** The server said that it ends the connection after this answer. */
  #isLast = false;
  #answer = '';
  #onAnswer: () => void = () => {};

  private constructor(address: Address, onFailure: (error: Error) => void) {
    this.#address = address;
    this.#onFailure = onFailure;
    this.#socket = this.#connect();
  }

  static async open(address: Address, onFailure: (error: Error) => void): Promise<HttpConnection> {
    const connection = new HttpConnection(address, onFailure);
    await once(connection.#socket, connection.#socket instanceof TLSSocket ? 'secureConnect' : 'connect');
    return connection;
  }

  /** @returns that many of them */
  static async openAll(address: Address, count: number, onFailure: (error: Error) => void): Promise<HttpConnection[]> {
    const connections: HttpConnection[] = [];
    for (let index = 0; index < count; index += 1) connections.push(await HttpConnection.open(address, onFailure));
    return connections;
  }

  request(request: Buffer, onAnswer: () => void): void {
    if (this.#isLast) this.#socket = this.#connect();
    this.#isLast = false;
    this.#onAnswer = onAnswer;
    this.#socket.write(request);
  }

  drop(): void {
    dropSocket(this.#socket);
  }

  #connect(): Socket {
    const onBytes = (bytes: Buffer, length: number): void => {
      try {
        this.#take(bytes.toString('latin1', 0, length));
      } catch (error) {
        this.#onFailure(error as Error);
      }
    };
    return openSocket(this.#address, onBytes, this.#onFailure);
  }

  #take(text: string): void {
    this.#answer += text;
    if (!this.#answer.startsWith(OK)) throw new Error(`a request was refused:\n${this.#answer}`);
    if (!isWhole(this.#answer)) return;
    this.#isLast = /\r\nconnection: *close\r\n/i.test(this.#answer);
    if (this.#isLast) dropSocket(this.#socket);
    this.#answer = '';
    this.#onAnswer();
  }
}

/** Whether an answer ends here, by its length or by its last chunk. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1];
  if (length === undefined) return answer.endsWith(`0${HEAD_END}`);
  return answer.length >= headEnd + HEAD_END.length + Number(length);
}
