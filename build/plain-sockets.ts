import type { Plugin } from 'rolldown';

const ASKED = 'this.socket instanceof node_tls_1.TLSSocket';

/**
 * NATS asks of every connection whether it is one of Node's TLS sockets, for which all of TLS is loaded, root
 * certificates included, where there is none. A TLS socket says so itself: its `encrypted` is always true.
 */
export function plainSockets(): Plugin {
  return {
    name: 'plain-sockets',
    transform: {
      filter: { id: /\/@nats-io\/transport-node\/lib\/node_transport\.js$/ },
      handler: (code) => {
        if (!code.includes(ASKED)) throw new Error(`@nats-io/transport-node no longer says: ${ASKED}`);
        return code.replace(ASKED, 'this.socket?.encrypted === true');
      },
    },
  };
}
