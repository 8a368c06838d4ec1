#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { YOUNG_HEAP_FLAG } from './young-heap.ts';

setFlagsFromString(YOUNG_HEAP_FLAG);
// Loaded afterwards: code that is loaded fills the young heap, too.
await import('./command/command-line.ts');
