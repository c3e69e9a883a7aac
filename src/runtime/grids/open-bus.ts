import { connectBus } from '../bus/connect.ts';
import { requireRole } from '../bus/identity.ts';
import type { BusChoice } from '../config/select-grid.ts';
import { createBusGrid } from './bus.ts';
import type { Grid } from './grid.ts';

/** Connects to a grid behind a bus, as one who asks. @throws AipgError `grid-unreachable`, `not-permitted` */
export async function openBus(choice: BusChoice): Promise<Grid> {
  const connection = await connectBus({ ...choice, name: 'aipg gen' });
  try {
    requireRole(connection, 'user', 'operator');
  } catch (error) {
    await connection.close();
    throw error;
  }
  return createBusGrid({ name: choice.name, connection, account: choice.account });
}
