import { Flags } from '@oclif/core';

/** For what directs a grid. Absent: credits are on where the grid has a ledger. */
export const creditsFlag = Flags.boolean({
  description: 'Keep a ledger: jobs are paid for in credits. A grid that has one keeps it.',
  allowNo: true,
});
