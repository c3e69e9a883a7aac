import { Box, Text, useAnimation } from 'ink';
import type { HostPart, HostProgress } from '../runtime/host/host.ts';

/** A part of a host as it is shown. */
export interface ShownPart extends HostProgress {
  readonly part: HostPart;
  /** How long it took to get to a state of rest, as text; absent while it is on its way. */
  readonly took?: string;
}

type State = HostProgress['state'];

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const MARKS: Record<State, { mark: string; color: string }> = {
  starting: { mark: '…', color: 'cyan' },
  ready: { mark: '✔', color: 'green' },
  restarting: { mark: '↻', color: 'yellow' },
  stopping: { mark: '…', color: 'yellow' },
  stopped: { mark: '■', color: 'gray' },
};

/** The parts of a host, a line each, with their state and time. */
export function PartList({ parts }: { readonly parts: readonly ShownPart[] }) {
  return (
    <Box flexDirection="column">
      {parts.map((part) => (
        <Part key={part.part} {...part} />
      ))}
    </Box>
  );
}

function Part({ part, state, detail, took }: ShownPart) {
  const moving = took === undefined;
  const { frame } = useAnimation({ interval: 100, isActive: moving });
  const { mark, color } = MARKS[state];
  return (
    <Text wrap="truncate-end">
      <Text color={color}>{moving ? SPINNER[frame % SPINNER.length] : mark}</Text>
      {` ${part.padEnd(8)} ${state.padEnd(10)} `}
      {detail}
      {took !== undefined && <Text dimColor>{` ${took}`}</Text>}
    </Text>
  );
}
