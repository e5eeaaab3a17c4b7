export { type Glance, type GlanceVia, glance } from './glance.js';
export { type CSeq, SipHeaders } from './headers.js';
export { defaultMessageLimits, type MessageLimits } from './limits.js';
export { addToTag, createResponse, type SipMessage, SipRequest, SipResponse } from './message.js';
export { parseMessage, SipParseError } from './parse.js';
export { reasonPhrase } from './reason.js';
export { formatVia, parseVia, type Via } from './via.js';
