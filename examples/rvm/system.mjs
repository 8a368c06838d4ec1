import { randomUUID } from 'node:crypto';
import { portOf } from '../shared/ports.mjs';

/** As Laravel's .env has them. The broker takes its app's key and secret from them, the page is told what begins with VITE_. */
const {
  REVERB_APP_ID = 'rvm',
  REVERB_APP_KEY = 'rvm-key',
  REVERB_APP_SECRET = 'rvm-secret',
  REVERB_HOST = 'localhost',
  REVERB_PORT,
} = process.env;

/** Reverse vending machines: everybody sees how they are, some roles see the figures and set what a machine is. */
export default {
  title: 'Reverse vending machines, with roles',
  config: 'kulkul.json',
  port: portOf('REVERB_PORT', REVERB_PORT) || 8080,
  pagePort: 8000,
  pagePath: '/admin/rvm-dashboard',
  ports: { APPLICATION_PORT: 8012 },
  programs: ['application.mjs'],
  // One origin, as with Laravel: the page's.
  proxy: ({ APPLICATION_PORT }) => {
    const application = `http://127.0.0.1:${APPLICATION_PORT}`;
    return { '/api/': application, '/broadcasting/': application };
  },
  env: ({ BROKER_PORT }) => ({
    REVERB_APP_ID,
    REVERB_APP_KEY,
    REVERB_APP_SECRET,
    REVERB_HOST,
    REVERB_PORT: BROKER_PORT,
    REVERB_SCHEME: 'http',
    VITE_REVERB_APP_KEY: REVERB_APP_KEY,
    VITE_REVERB_HOST: REVERB_HOST,
    VITE_REVERB_PORT: BROKER_PORT,
    VITE_REVERB_SCHEME: 'http',
    VITE_CSRF_TOKEN: randomUUID(),
    TOKEN_SECRET: 'for this example only, 32 characters',
  }),
  notes: () => ['Log in as a viewer, then as an operator.'],
};
