import type { TestProject } from 'vitest/node';
import { buildIfStale, meetAndProvide } from '../support/global-setup.ts';
import { LONG_REQUIREMENTS, REQUIREMENTS } from '../support/requirements.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Paths of proxies. */
    readonly caddy: string;
    readonly haproxy: string;
    readonly apache: string;
  }
}

/** What all tests need, and more. */
export default function setupLong(project: TestProject): void {
  meetAndProvide(project, { ...REQUIREMENTS, ...LONG_REQUIREMENTS });
  buildIfStale();
}
