/** Something that must not be. */
export interface Problem {
  readonly check:
    | 'ends'
    | 'credits'
    | 'streams'
    | 'texts'
    | 'calls'
    | 'bus'
    | 'processes'
    | 'memory'
    | 'time';
  readonly detail: string;
}
