/**
 * The only file that loads uWebSockets.js. It is a native module: loading it fails on a platform or Node version it has
 * no binary for, which is why the command line imports the server late and explains the failure.
 */
import './uws-settings.ts';

import type * as uWebSockets from 'uWebSockets.js';
import { loadBinary } from './native/load-binary.ts';

export type { AppOptions, HttpRequest, HttpResponse, TemplatedApp, WebSocket } from 'uWebSockets.js';

const uWS = loadBinary() as typeof uWebSockets;

/** What `listen` answers: opaque, to be closed with `closeListenSocket`. */
export type ListenSocket = uWebSockets.us_listen_socket;

export const createApp = uWS.App;
export const createTlsApp = uWS.SSLApp;
export const closeListenSocket = uWS.us_listen_socket_close;
export const localPort = uWS.us_socket_local_port;
export const NO_COMPRESSION = uWS.DISABLED;

/** Values of `ListenOptions`, which the package declares but does not carry. A second listener on the same port fails, instead of sharing its connections. */
export const EXCLUSIVE_PORT = 1;
export const SHARED_PORT = 0;

type ListenWithOptions = (
  host: string,
  port: number,
  options: number,
  done: (socket: ListenSocket | false) => void,
) => void;

/** Listens on a host and port. The declarations of the package leave this overload out. */
export function listenOn(
  app: uWebSockets.TemplatedApp,
  host: string,
  port: number,
  options: number,
): ListenSocket | undefined {
  let socket: ListenSocket | undefined;
  (app.listen as unknown as ListenWithOptions).call(app, host, port, options, (listening) => {
    socket = listening || undefined;
  });
  return socket;
}
