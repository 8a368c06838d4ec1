import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { LiveFact, LiveType } from './contract.ts';

/** Which facts somebody wants to see: those that meet all that is there. JSON, as it goes to each node. */
export interface FactFilter {
  /** Ids; left out: also what is about no app. */
  readonly apps?: readonly string[] | undefined;
  readonly types?: readonly LiveType[] | undefined;
  /** A name, or a pattern with `*`. */
  readonly channel?: string | undefined;
  readonly event?: string | undefined;
  readonly socket?: string | undefined;
  /** Anywhere in the fact, whatever its case. */
  readonly text?: string | undefined;
}

/** What a fact is about, which is known without writing it. */
export type FactHead = Pick<LiveFact, 'type' | 'app' | 'channel' | 'channels' | 'event' | 'events' | 'socket'>;

/** A filter, ready to be used often. */
export class FactMatcher {
  readonly #filter: FactFilter;
  readonly #apps: ReadonlySet<string> | undefined;
  readonly #types: ReadonlySet<LiveType> | undefined;
  readonly #channel: ChannelPattern | undefined;
  readonly #event: ChannelPattern | undefined;
  readonly #text: string | undefined;

  /** @throws {SyntaxError} a pattern with an unmatched brace */
  constructor(filter: FactFilter) {
    this.#filter = filter;
    this.#apps = filter.apps && new Set(filter.apps);
    this.#types = filter.types && new Set(filter.types);
    this.#channel = filter.channel === undefined ? undefined : new ChannelPattern(filter.channel);
    this.#event = filter.event === undefined ? undefined : new ChannelPattern(filter.event);
    this.#text = filter.text?.toLowerCase();
  }

  wantsType(type: LiveType): boolean {
    return this.#types?.has(type) ?? true;
  }

  seesApp(appId: string | undefined): boolean {
    return this.#apps === undefined || (appId !== undefined && this.#apps.has(appId));
  }

  matches({ type, app, channel, channels, event, events, socket }: FactHead): boolean {
    return (
      this.wantsType(type) &&
      this.seesApp(app) &&
      (this.#filter.socket === undefined || this.#filter.socket === socket) &&
      (!this.#channel || isAny(this.#channel, channel, channels)) &&
      (!this.#event || isAny(this.#event, event, events))
    );
  }

  /** @param fact - as JSON */
  matchesText(fact: string): boolean {
    return this.#text === undefined || fact.toLowerCase().includes(this.#text);
  }
}

function isAny(pattern: ChannelPattern, name: string | undefined, names: readonly string[] = []): boolean {
  return (name !== undefined && pattern.matches(name)) || names.some((each) => pattern.matches(each));
}
