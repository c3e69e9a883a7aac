import { config } from 'zod/v4';

// Stands for zod in the program: all that imports it finds it set so. Compiling its schemas at their first use takes a
// short command some milliseconds, and gains half a microsecond with a message of a job, three with a ledger's entry.
config({ jitless: true });

export * from 'zod/v4';
