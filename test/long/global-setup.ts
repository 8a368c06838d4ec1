import type { TestProject } from 'vitest/node';
import setup from '../support/global-setup.ts';
import { LONG_REQUIREMENTS, meetRequirements } from '../support/requirements.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Paths of proxies. */
    readonly caddy: string;
    readonly haproxy: string;
    readonly apache: string;
  }
}

/** What `npm test` needs, and more. */
export default function setupLong(project: TestProject): void {
  const paths = meetRequirements(LONG_REQUIREMENTS);
  for (const [name, path] of Object.entries(paths)) project.provide(name as keyof typeof paths, path);
  setup(project);
}
