import { z } from 'zod';
import { duration, flag, host, text, whole } from './fields.js';

/** What is kept of calls, so that one can be looked at later. */
export const timeline = z.strictObject({
  /** Calls that are over and kept in memory with their events. */
  calls: whole(1, 1_000_000).default(2000),
  /** And how many bytes of them, about. */
  callBytes: whole(1_000_000, 100_000_000_000).default(200_000_000),
  /** Keep the SIP messages of calls too, and how many bytes of them. */
  messages: flag().default(false),
  messageBytes: whole(100_000, 100_000_000_000).default(50_000_000),
  /** With their bodies (SDP, texts). */
  bodies: flag().default(false),
  /** Calls that are over are written here, a line of JSON each. */
  folder: text('the path of a folder').exactOptional(),
  /** A file is ended when it is longer, and deleted when its last call is older. */
  fileSize: whole(10_000, 10_000_000_000).default(50_000_000),
  retention: duration('1h', '3650d', '14d'),
  /** A Homer collector that gets the SIP messages of calls (HEP3 over UDP). */
  hep: z
    .strictObject({
      host: host().exactOptional(),
      port: whole(1, 65535).default(9060),
      /** This node's number at the collector. */
      agentId: whole(0, 4_294_967_295).default(2001),
      password: text("the collector's password").exactOptional(),
    })
    .prefault({}),
});
