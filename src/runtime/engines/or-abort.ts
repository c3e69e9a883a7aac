/** What the work comes to, or the signal's reason as soon as it aborts; the work itself goes on. */
export function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settled = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(settled);
    if (signal.aborted) onAbort();
  });
}
