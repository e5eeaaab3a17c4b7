/** A step on the way to Apple that failed, as the sockets tell it. */
export interface Trouble {
  readonly step: 'dns' | 'tcp' | 'proxy' | 'tls' | 'http2';
  /** node's code of the error, `TIME` when nothing came in time, or empty. */
  readonly code: string;
  readonly message: string;
  /** Apple's host, and with its port. */
  readonly host: string;
  readonly target: string;
  /** What was tried: Apple's, or the proxy's, host and port. */
  readonly at: string;
  readonly viaProxy: boolean;
}

interface Words {
  readonly text: string;
  readonly advice: string;
}

/** What a failed step means and what to do about it. */
export function troubleInWords(trouble: Trouble): Words {
  const { text, advice } = wordsOf[trouble.step](trouble);
  const code = /^[A-Z][A-Z0-9_]+$/.test(trouble.code) && trouble.code !== 'TIME' ? ` (${trouble.code})` : '';
  return { text: `${text}${code}`, advice };
}

const OPEN = (target: string): string =>
  `Let the firewall open outgoing TCP to ${target}; Apple's addresses are in 17.0.0.0/8. Port 2197 will do as well (push.port: 2197), ` +
  'or an HTTP proxy (push.proxy).';

const wordsOf: Readonly<Record<Trouble['step'], (trouble: Trouble) => Words>> = {
  dns({ at, code, viaProxy }) {
    const host = at.slice(0, at.lastIndexOf(':'));
    const text = code === 'ENOTFOUND' ? `DNS knows no ${host}` : `no DNS server answered for ${host}`;
    return {
      text,
      advice: viaProxy
        ? 'Check push.proxy.url and the name server of this machine (/etc/resolv.conf).'
        : 'Check the name server of this machine (/etc/resolv.conf), and push.endpoints if it is set. A network without DNS for the outside needs push.proxy.',
    };
  },
  tcp({ at, code, target, viaProxy, message }) {
    const open = viaProxy ? 'Check push.proxy.url, and that the proxy runs.' : OPEN(target);
    if (code === 'ECONNREFUSED') {
      const advice = viaProxy ? open : `Check push.endpoints and push.port, if they are set. ${OPEN(target)}`;
      return { text: `${at} refuses connections: nobody listens there, or a firewall says so`, advice };
    }
    if (code === 'TIME' || code === 'ETIMEDOUT') {
      return { text: `${at} does not answer: a firewall drops what is sent there`, advice: open };
    }
    if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') {
      return { text: `there is no route to ${at}`, advice: `Check the routes of this machine. ${open}` };
    }
    return { text: `no connection to ${at}: ${message}`, advice: open };
  },
  proxy({ message, target }) {
    if (/password|authentication/.test(message)) {
      return {
        text: message,
        advice:
          'Check push.proxy.user and push.proxy.password. Basic and Digest are spoken, NTLM and Kerberos are not.',
      };
    }
    return {
      text: message,
      advice: `Let the proxy allow CONNECT to ${target}. Check that push.proxy.url is an HTTP proxy.`,
    };
  },
  tls({ at, code, message, host }) {
    if (/SELF_SIGNED|UNABLE_TO|DEPTH_ZERO|CERT_UNTRUSTED|SIGNATURE/.test(code)) {
      return {
        text: `nobody trusted has signed the certificate of ${at}: ${message}`,
        advice: `If a firewall inspects TLS, exempt ${host}, or give its authority as push.caFile; the Apple simulator's is what --ca-file wrote.`,
      };
    }
    if (/EXPIRED|NOT_YET_VALID/.test(code)) {
      return {
        text: `the certificate of ${at} is not valid now: ${message}`,
        advice: "Check this machine's clock (NTP).",
      };
    }
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      return {
        text: `the certificate is not for ${host}: ${message}`,
        advice: 'Something else answers in its place: check DNS, push.endpoints and firewalls that inspect TLS.',
      };
    }
    if (code === 'TIME') {
      return {
        text: `${at} takes connections and then says nothing`,
        advice: `A firewall may let only the handshake of TCP through. ${OPEN(at)}`,
      };
    }
    if (/closed|ECONNRESET/.test(`${message}${code}`)) {
      return {
        text: `the connection was closed during the TLS handshake`,
        advice: `A firewall may not like the name ${host} in it: let it through without inspection.`,
      };
    }
    return {
      text: `no TLS with ${at}: ${message}`,
      advice: 'What answers there is no TLS server: check push.endpoints and the way there.',
    };
  },
  http2({ message, host }) {
    return {
      text: `TLS is up, but no HTTP/2: ${message}`,
      advice: `A firewall that inspects TLS may speak only HTTP/1.1: exempt ${host} from inspection.`,
    };
  },
};
