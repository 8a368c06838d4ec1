/** pm2 start ecosystem.config.cjs; after an update or a change of settings: pm2 restart kulkul */
module.exports = {
  apps: [
    {
      name: 'kulkul',
      script: 'node_modules/kulkul/dist/server/main.js',
      args: 'start --config kulkul.json',
      // One process: cores are used by the setting `workers`. PM2's cluster mode can't share the port of uWebSockets.js.
      exec_mode: 'fork',
      instances: 1,
      // Kulkul says when it listens.
      wait_ready: true,
      listen_timeout: 30_000,
      // Requests are answered and clients closed before it ends. With Redis: drain.readyDelaySeconds + drain.seconds + 5 s.
      kill_timeout: 15_000,
    },
  ],
};
