import { registerEndOfFile } from './end-of-file.ts';

// Runs before each file of tests.
registerEndOfFile();
