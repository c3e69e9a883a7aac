import { argv } from 'node:process';
import { memberOf } from '../../src/runtime/bus/identity.ts';
import { createBusGrid } from '../../src/runtime/grids/bus.ts';
import { LOCAL_ACCOUNT } from '../../src/runtime/protocol/ids.ts';
import { rawJob } from '../support/job.ts';
import { type LoadRequest, runLoad } from '../support/load.ts';
import { playRole } from '../support/role.ts';
import { connectRole } from '../support/role-connection.ts';

const [, , url = '', keyFile] = argv;

await playRole(async () => {
  const connection = await connectRole(url, 'bench client', keyFile);
  const account = memberOf(connection)?.account ?? LOCAL_ACCOUNT;
  const grid = createBusGrid({ name: 'bench', connection, account });
  const runJob = async (pieces: number) => {
    const handle = await grid.submit(rawJob('Once there was a fox who', pieces));
    let firstAt = 0;
    let tokens = 0;
    for await (const event of handle.events()) {
      if (event.type !== 'chunk') continue;
      firstAt ||= performance.now();
      tokens += event.tokens.length;
    }
    // A model may end before.
    if (tokens === 0 || tokens > pieces) throw new Error(`${tokens} of ${pieces} tokens`);
    return { firstAt };
  };
  return {
    handle: (load: LoadRequest) => runLoad(load, () => runJob(load.pieces)),
    stop: () => grid[Symbol.asyncDispose](),
  };
});
