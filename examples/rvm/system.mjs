/** Reverse vending machines: everybody sees how they are, some roles see the figures. */
export default {
  title: 'Reverse vending machines, with roles',
  config: 'kulkul.json',
  port: 6002,
  pagePort: 8002,
  ports: { LOGIN_PORT: 8012 },
  programs: ['login.mjs', 'producer.mjs'],
  env: {
    APP_ID: 'rvm',
    APP_KEY: 'rvm-key',
    APP_SECRET: 'rvm-secret',
    TOKEN_SECRET: 'for this example only, 32 characters',
  },
  notes: () => ['Log in as a viewer, then as an operator.'],
};
