import type * as api from '../../types/index.d.ts';
import { openBroker } from './open-broker.ts';

/** What `import … from 'kulkul'` gives; types/index.d.ts describes it. */
export const startBroker: typeof api.startBroker = async (settings, options) => {
  const { broker } = await openBroker(settings, options);
  return broker;
};
