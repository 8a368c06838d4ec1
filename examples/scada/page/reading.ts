export interface Reading {
  readonly tag: string;
  readonly unit: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** Of a batch, which has several readings of each tag, the last one of each. */
export function latestOf(readings: readonly Reading[]): readonly Reading[] {
  return [...new Map(readings.map((reading) => [reading.tag, reading])).values()];
}
