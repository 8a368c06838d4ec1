import type { Edge } from '../../channels/edge.ts';

/** The facts that edges tell of, as an observer knows them by the edges alone. */
export class ObservedFacts {
  readonly members = new Set<string>();
  readonly occupied = new Set<string>();
  readonly online = new Set<string>();
  /** Edges that tell what was known, or what can't be in their place. */
  readonly contradictions: Edge[] = [];

  take(edge: Edge): void {
    switch (edge.kind) {
      case 'channel_occupied':
        this.#begin(edge, this.occupied, edge.channel, true);
        break;
      case 'channel_vacated':
        this.#end(edge, this.occupied, edge.channel, !this.#hasMembers(edge.channel));
        break;
      case 'member_added':
        this.#begin(edge, this.members, `${edge.channel} ${edge.userId}`, this.occupied.has(edge.channel));
        break;
      case 'member_removed':
        this.#end(edge, this.members, `${edge.channel} ${edge.userId}`, this.occupied.has(edge.channel));
        break;
      case 'user_online':
        this.#begin(edge, this.online, edge.userId, true);
        break;
      case 'user_offline':
        this.#end(edge, this.online, edge.userId, true);
        break;
      case 'subscription_count':
    }
  }

  #hasMembers(channel: string): boolean {
    return [...this.members].some((entry) => entry.startsWith(`${channel} `));
  }

  #begin(edge: Edge, facts: Set<string>, fact: string, isInPlace: boolean): void {
    if (facts.has(fact) || !isInPlace) this.contradictions.push(edge);
    facts.add(fact);
  }

  #end(edge: Edge, facts: Set<string>, fact: string, isInPlace: boolean): void {
    if (!facts.delete(fact) || !isInPlace) this.contradictions.push(edge);
  }
}
