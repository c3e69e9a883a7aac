/** Why a running attempt is stopped, as the abort reason of its signal. */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';
  readonly stop: 'cancelled' | 'given-back' | 'overtaken' | 'ended' | 'not-handed-over';

  constructor(stop: AttemptStopped['stop']) {
    super(`The attempt is stopped: ${stop}.`);
    this.stop = stop;
  }
}
