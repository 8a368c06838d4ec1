/** Where the broker is, and the app to use: the development app unless the environment names another. */
export const broker = {
  host: process.env.KULKUL_HOST ?? '127.0.0.1',
  port: Number(process.env.KULKUL_PORT ?? 6001),
  appId: process.env.PUSHER_APP_ID ?? '12345',
  key: process.env.PUSHER_APP_KEY ?? 'scada_dashboard_key_2024',
  secret: process.env.PUSHER_APP_SECRET ?? 'development-secret-do-not-deploy',
};
