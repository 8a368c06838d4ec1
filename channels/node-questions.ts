import { isJsonObject, type JsonObject, parseJson } from '../protocol/json.ts';
import { after, type MaybePromise, orElse } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { NODES_APP } from './nodes-channel.ts';

/** The channel of all nodes that answer questions. It is not `#nodes`, where older nodes report what they don't know as a failure. */
export const QUESTIONS_CHANNEL = '#questions';
/** For answers of the other nodes, in milliseconds: an operator waits. */
const ANSWER_MS = 2000;
/** How long a node that does not answer any more is named, in milliseconds. */
const KNOWN_MS = 300_000;
/** Ids and kinds that are longer come from nobody of ours. */
const MAX_TEXT = 100;

/** What operators want to know of each node, or want one of them to do. Its fields are for whoever answers. */
export interface Question {
  readonly kind: string;
  readonly [field: string]: unknown;
}

export interface Answers {
  /** By id of the node, this one included. */
  readonly answers: ReadonlyMap<string, unknown>;
  /** Nodes that should have answered, as far as their ids are known. */
  readonly silent: readonly string[];
}

interface Asked {
  readonly answers: Map<string, unknown>;
  readonly wanted: number;
  readonly finish: () => void;
}

/**
 * Questions that operators ask all nodes, and what nodes tell the one that asked. Never part of what clients wait for. What others say may have been put
 * into Redis by anybody, so each part of it is checked by whoever uses it.
 */
export class NodeQuestions {
  readonly nodeId: string;
  /** Answers a question; undefined: it is none of this node's. Set before `start`. */
  answer: (question: Question, from: string) => MaybePromise<unknown> = () => undefined;
  /** Takes what nodes tell this one unasked. Set before `start`. */
  takeNotice: (notice: JsonObject, from: string) => void = () => {};
  readonly #node: Node;
  readonly #asked = new Map<number, Asked>();
  /** Ids of other nodes, and when each was heard last. */
  readonly #heardMs = new Map<string, number>();
  #lastId = 0;
  #listening: MaybePromise<unknown>;
  #isListening = false;

  /** @param nodeId - unique over all nodes */
  constructor(node: Node, nodeId: string) {
    this.#node = node;
    this.nodeId = nodeId;
  }

  /** To be called before clients come. */
  start(): MaybePromise<unknown> {
    return this.#node.broker.subscribe(NODES_APP, QUESTIONS_CHANNEL);
  }

  /** Asks all nodes, and waits for those that answer in time. Never rejects because of the others. */
  async ask(question: Question): Promise<Answers> {
    const [own, others] = await Promise.all([this.#answerSafely(question, this.nodeId), this.#askOthers(question)]);
    const answers = new Map(others.answers);
    if (own !== undefined) answers.set(this.nodeId, own);
    return { answers, silent: others.silent };
  }

  /** Says something to all other nodes that needs no answer. */
  tellAll(question: Question): void {
    this.#publish(QUESTIONS_CHANNEL, { id: 0, from: this.nodeId, question });
  }

  /** Tells one node something, which may be this one. */
  tell(nodeId: string, notice: JsonObject): void {
    if (nodeId === this.nodeId) this.takeNotice(notice, nodeId);
    else this.#publish(answersChannel(nodeId), { from: this.nodeId, notice });
  }

  /** Begins to hear what others tell this node, which nobody does unless it asks first. */
  listen(): MaybePromise<unknown> {
    if (this.#isListening) return this.#listening;
    this.#isListening = true;
    this.#listening = this.#node.broker.subscribe(NODES_APP, answersChannel(this.nodeId));
    return this.#listening;
  }

  /** Takes a message of a channel between nodes; false: it is none of these. */
  take(channel: string, frame: string): boolean {
    if (channel !== QUESTIONS_CHANNEL && channel !== answersChannel(this.nodeId)) return false;
    const message = parseJson(frame);
    if (!isJsonObject(message) || !isShortText(message.from) || message.from === this.nodeId) return true;
    const { from, id, question, notice } = message;
    if (channel === QUESTIONS_CHANNEL) {
      if (typeof id === 'number' && isQuestion(question)) this.#takeQuestion(id, from, question);
      return true;
    }
    this.#heardMs.set(from, this.#node.clock.elapsedMs());
    if (isJsonObject(notice)) this.takeNotice(notice, from);
    else if (typeof id === 'number') this.#takeAnswer(id, from, message.answer);
    return true;
  }

  #takeQuestion(id: number, from: string, question: Question): void {
    const answering = this.#answerSafely(question, from).then((answer) => {
      if (id !== 0) this.#publish(answersChannel(from), { from: this.nodeId, id, answer: answer ?? null });
    });
    this.#node.settle(answering, 'answering another node');
  }

  #takeAnswer(id: number, from: string, answer: unknown): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    asked.answers.set(from, answer ?? undefined);
    if (asked.answers.size >= asked.wanted) asked.finish();
  }

  async #answerSafely(question: Question, from: string): Promise<unknown> {
    try {
      return await this.answer(question, from);
    } catch (error) {
      this.#node.observer.failed({ error, during: `answering the question ${question.kind}` });
      return undefined;
    }
  }

  async #askOthers(question: Question): Promise<Answers> {
    const { store, clock } = this.#node;
    const wanted =
      (await orElse(
        () => store.nodeCount(),
        () => this.#known().length + 1,
      )) - 1;
    if (wanted <= 0) return { answers: new Map(), silent: [] };
    this.#lastId += 1;
    const id = this.#lastId;
    const answers = new Map<string, unknown>();
    await new Promise<void>((finish) => {
      this.#asked.set(id, { answers, wanted, finish });
      // Also where the broker is away, and `listen` waits for it.
      clock.schedule(finish, ANSWER_MS);
      const asking = after(this.listen(), () => this.#publish(QUESTIONS_CHANNEL, { id, from: this.nodeId, question }));
      this.#node.settle(asking, 'asking the other nodes');
    });
    this.#asked.delete(id);
    const silent = answers.size >= wanted ? [] : this.#known().filter((nodeId) => !answers.has(nodeId));
    const own = [...answers].filter(([, answer]) => answer !== undefined);
    return { answers: new Map(own), silent };
  }

  /** Ids of nodes that were heard of late. */
  #known(): string[] {
    const longAgo = this.#node.clock.elapsedMs() - KNOWN_MS;
    for (const [nodeId, heardMs] of this.#heardMs) if (heardMs < longAgo) this.#heardMs.delete(nodeId);
    return [...this.#heardMs.keys()];
  }

  #publish(channel: string, message: object): void {
    const published = this.#node.broker.publish({ appId: NODES_APP, channel, frame: JSON.stringify(message) });
    // While the others can't be reached nothing is lost but an answer.
    if (published instanceof Promise) published.catch(() => {});
  }
}

function answersChannel(nodeId: string): string {
  return `#answers-${nodeId}`;
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}

function isQuestion(value: unknown): value is Question {
  return isJsonObject(value) && isShortText(value.kind);
}
