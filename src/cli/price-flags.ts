import { Flags } from '@oclif/core';
import { type MicroCredits, parseCredits } from '../runtime/protocol/credits.ts';
import type { JobSpec } from '../runtime/protocol/job.ts';

/** An amount of credits. @throws AipgError `usage` */
export const creditsAmountFlag = Flags.custom<MicroCredits>({ parse: async (text) => parseCredits(text) });

/** Flags that say what a job may cost. */
export const priceFlags = {
  'max-price': creditsAmountFlag({
    description: 'Refuse the job if it may cost more than so many credits.',
    helpValue: 'CREDITS',
    helpGroup: 'GRID',
  }),
  'dry-run': Flags.boolean({
    description: 'Say what it would cost and where it would run, and run nothing.',
    helpGroup: 'GRID',
    exclusive: ['batch', 'detach', 'replay'],
  }),
};

/** The job, which a grid refuses if it may cost more. */
export function withMaxPrice(job: JobSpec, maxCost: MicroCredits | undefined): JobSpec {
  return maxCost === undefined ? job : { ...job, limits: { ...job.limits, maxCost } };
}
