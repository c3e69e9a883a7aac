import { config } from 'zod/v4';

// Stands for zod in the program: all that imports it finds it set so. A schema that zod compiles, at its first use, takes
// a short command some milliseconds, and is no faster with messages such as ours.
config({ jitless: true });

export * from 'zod/v4';
