/** What the page is told when it is served. */
interface ImportMetaEnv {
  readonly BROKER_PORT: string;
}
