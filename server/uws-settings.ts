/**
 * Most bytes of a request's line and headers. uWebSockets.js allows 4096 unless told otherwise, and asks for it once, when it is loaded; tokens
 * of identity providers alone are longer than that.
 */
export const MAX_HEADERS_BYTES = 20_480;

process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(MAX_HEADERS_BYTES);
