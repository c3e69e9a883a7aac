import type { NatsConnection } from '@nats-io/transport-node';
import { Reconnects } from '../bus/reconnects.ts';

/** Whether a grid can be reached: told when it no longer can, and when it can again. */
export type Reach = 'lost' | 'back';

/** Of a grid behind a bus, until disposed. The connection stays the caller's. */
export function watchReach(connection: NatsConnection, onChange: (reach: Reach) => void): Disposable {
  const unlisten = Reconnects.of(connection).listen((change) =>
    onChange(change === 'reconnect' ? 'back' : 'lost'),
  );
  return { [Symbol.dispose]: unlisten };
}
