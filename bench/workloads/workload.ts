/** A server under measurement, as the load generator sees it. */
export interface Target {
  readonly port: number;
  readonly pid: number;
}

/** How much is done; the bench has a full and a quick scale. */
export interface Scale {
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Subscribers of one channel. */
  readonly fanOutSubscribers: number;
  /** Connections opened in a window. */
  readonly connects: number;
  readonly idleConnections: number;
}

/** One number that a workload yields. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Share of the floor that Kulkul is to reach. */
  readonly target?: number;
}

/** One kind of load. Each is a file in this folder and a line in index.ts. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What is done, and what the floor does for it: for the reader of the report. */
  readonly description: string;
  readonly figures: readonly Figure[];
  /** Rounds at most; fewer for what hardly varies and takes long. */
  readonly maxRounds?: number;
  readonly floorFlags?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /**
   * Runs in the load generator's process.
   *
   * @param onFailure - to be called with what makes the round worthless
   * @returns value of each figure by id; further numbers go into the JSON file
   */
  measure(target: Target, scale: Scale, onFailure: (error: Error) => void): Promise<Record<string, number>>;
}
