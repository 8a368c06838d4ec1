/**
 * The parts of undici that send requests. Its main file would load twice as much, and have `fetch` of the whole process, by which the keys of
 * issuers come, go through this copy of it.
 */
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici';
}
declare module 'undici/lib/core/connect.js' {
  export { buildConnector as default } from 'undici';
}
