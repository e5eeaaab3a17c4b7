/**
 * Cipher suites of TLS 1.2 that may be spoken, as OpenSSL lists them: forward secrecy and authenticated encryption only (RFC 9325
 * section 4.2). Those of TLS 1.3 are all right anyway.
 */
export const SAFE_CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL';
