import type { Check } from './check.ts';
import { engine } from './engine.ts';
import { folders } from './folders.ts';
import { grids } from './grids.ts';
import { hub } from './hub.ts';
import { natsServer } from './nats-server.ts';
import { shell } from './shell.ts';
import { system } from './system.ts';

/** All checks in the order in which they are shown. */
export const CHECKS: readonly Check[] = [system, folders, engine, hub, natsServer, grids, shell];
