/**
 * Keeps V8 from enlarging the part of the heap where objects begin from 1 MB to 16 MB, twice, which it does as soon as many
 * connections come at once, and seldom undoes: a broker that holds 15,000 idle connections takes half the memory with this flag. What is made for a
 * message is garbage at once, and found as such just as well in little space; measured by `npm run bench -- idle triggers connect`.
 * To be set before anything else is loaded.
 */
export const YOUNG_HEAP_FLAG = '--semi-space-growth-factor=1';
