import type { NatsConnection } from '@nats-io/transport-node';

/** Whether a grid can be reached: told when it no longer can, and when it can again. */
export type Reach = 'lost' | 'back';

/** Of a grid behind a bus, until disposed. The connection stays the caller's. */
export function watchReach(connection: NatsConnection, onChange: (reach: Reach) => void): Disposable {
  let disposed = false;
  void (async () => {
    for await (const { type } of connection.status()) {
      if (disposed) return;
      if (type === 'disconnect' || type === 'close') onChange('lost');
      else if (type === 'reconnect') onChange('back');
    }
  })();
  return {
    [Symbol.dispose]: () => {
      disposed = true;
    },
  };
}
