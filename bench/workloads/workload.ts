/** A server under measurement, as the load generator sees it. */
export interface Target {
  readonly port: number;
  readonly pid: number;
  readonly parts: Parts;
}

/** Processes of a server under measurement by name. */
export type Parts = Readonly<Record<string, Omit<Target, 'parts'>>>;

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
  /** Share of the floor, or of whatever is measured first, that is to be reached. */
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
  /** What is measured instead of the floor and Kulkul. */
  readonly deployments?: 'workers' | 'cluster';
  /** Left out unless it is asked for. */
  readonly isExtra?: boolean;
  /** Server and load have both cores together, instead of one each. */
  readonly sharesCores?: boolean;
  /** Rounds in which everything else on the machine took more are repeated, some times. */
  readonly mostOthersPercent?: number;
  /** What others are compared with; the floor unless it is said. */
  readonly reference?: string;
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
