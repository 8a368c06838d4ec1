interface ImportMetaEnv {
  readonly DRILL_PORT: string;
}
