/**
 * Maximum bytes of a request's line and headers. uWebSockets.js allows 4096 by default, and reads the setting once, when it is loaded. Tokens
 * of identity providers alone are longer than that.
 */
export const MAX_HEADERS_BYTES = 20_480;

process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(MAX_HEADERS_BYTES);
