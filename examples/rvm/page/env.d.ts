interface ImportMetaEnv {
  readonly LOGIN_PORT: string;
}
