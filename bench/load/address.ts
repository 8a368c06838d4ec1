/** Where a server is, and what it takes to be let in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly app: AppCredentials;
  /** By TLS; the certificate authority, as PEM, or `''` for those that Node trusts. */
  readonly ca?: string | undefined;
}

export interface AppCredentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}
