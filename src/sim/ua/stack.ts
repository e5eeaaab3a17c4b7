export { createResponse, parseMessage, type SipMessage, SipRequest, SipResponse } from '../../engine/message/index.js';
export {
  type ClientTransaction,
  type ServerTransaction,
  TransactionLayer,
  type TransactionUser,
} from '../../engine/transaction/index.js';
export {
  type Endpoint,
  type Flow,
  type Listener,
  type ListenOptions,
  type MessageTransport,
  type SendCallback,
  type SentBy,
  type Target,
  type TlsSettings,
  TransportLayer,
} from '../../engine/transport/index.js';
