import { distance } from 'fastest-levenshtein';

/** The candidate that was probably meant by `word`, spelling (`max_connections`) and small slips aside; or undefined. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 80) return undefined;
  const wanted = bare(word);
  let best: string | undefined;
  let bestDistance = Math.min(4, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const candidateDistance = slipsBetween(wanted, bare(candidate));
    if (candidateDistance >= bestDistance) continue;
    best = candidate;
    bestDistance = candidateDistance;
  }
  return best;
}

/** Letters that changed places (`prot`) are one slip, and so is a name that was not written to its end. */
function slipsBetween(wanted: string, candidate: string): number {
  const letters = (word: string): string => [...word].sort().join('');
  if (wanted !== candidate && letters(wanted) === letters(candidate)) return 1;
  if (wanted.length >= 4 && wanted !== candidate && candidate.startsWith(wanted)) return 1;
  return distance(wanted, candidate);
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}
