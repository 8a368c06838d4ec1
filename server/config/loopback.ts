/** Whether an address or name to listen on, or to connect to, is this machine's own and no other can reach it. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/i.test(host);
}
