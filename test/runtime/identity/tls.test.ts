import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectBus } from '../../../src/runtime/bus/connect.ts';
import { hostsOf } from '../../../src/runtime/bus/tls.ts';
import type { LoadedModel } from '../../../src/runtime/engines/engine.ts';
import { formatInvitation, parseInvitation } from '../../../src/runtime/identity/invitation.ts';
import { newCertificateAuthority } from '../../../src/runtime/identity/tls.ts';
import type { Credentials } from '../../../src/runtime/protocol/credentials.ts';
import { loadTinyModel, STORY, textJob } from '../../support/grid.ts';
import { OpenGrid } from '../../support/open-grid.ts';

let grid: OpenGrid;
let model: LoadedModel;
let credentials: Credentials;

beforeAll(async () => {
  grid = await OpenGrid.start({ tls: true });
  model = await loadTinyModel(1);
  credentials = await grid.member('user', 'alice');
});
afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const visit = (options: { url?: string; ca?: string | undefined; hosts?: string[] }) =>
  connectBus({ url: grid.server.url, name: 'visitor', credentials, ...options });

describe('a bus behind TLS', () => {
  test('does a whole job for members that know its CA', async () => {
    await grid.worker(model, 'carol');
    const alice = await grid.client('alice');
    expect(await (await alice.submit(textJob(STORY))).result()).toMatchObject({ status: 'done' });
    expect(grid.server.url).toMatch(/^tls:/);
  });

  test('is refused where another CA is expected, even one of the same name', async () => {
    const { cert: ca } = await newCertificateAuthority('test');
    await expect(visit({ ca })).rejects.toMatchObject({
      code: 'grid-unreachable',
      message: expect.stringContaining('the CA of its invitation has not signed'),
    });
  });

  test('is refused by who knows no CA: no machine trusts it of itself', async () => {
    await expect(visit({})).rejects.toMatchObject({
      code: 'grid-unreachable',
      message: expect.stringContaining('this machine does not trust'),
    });
  });

  test('is refused under a name that its certificate does not have', async () => {
    const url = grid.server.url.replace('127.0.0.1', 'localhost');
    await expect(visit({ url, ca: grid.ca })).rejects.toMatchObject({ code: 'grid-unreachable' });
    const known = await visit({ url, ca: grid.ca, hosts: ['127.0.0.1'] });
    await known.close();
  });

  test('is told by its name where somebody asks in the clear', async () => {
    const url = grid.server.url.replace('tls://', 'nats://');
    await expect(visit({ url, ca: grid.ca })).rejects.toMatchObject({
      code: 'grid-unreachable',
      message: expect.stringContaining('by TLS alone'),
    });
  });

  test('ends a plain connection, whatever key it shows', async () => {
    const socket = connect(grid.server.port, '127.0.0.1');
    const [info] = (await once(socket, 'data')) as [Buffer];
    expect(JSON.parse(info.toString().replace(/^INFO /, ''))).toMatchObject({ tls_required: true });
    const said: Buffer[] = [];
    socket.on('data', (data) => said.push(data));
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.write(`CONNECT ${JSON.stringify({ jwt: credentials.jwt, verbose: true })}\r\nPING\r\n`);
    await closed;
    expect(Buffer.concat(said).toString()).not.toMatch(/PONG|\+OK/);
  });
});

describe('an invitation', () => {
  test('carries the CA, and is refused with what is no certificate', () => {
    const invitation = { grid: 'home', url: 'tls://a:1', ca: grid.ca, credentials };
    expect(parseInvitation(formatInvitation(invitation)).ca).toBe(grid.ca);
    expect(() => parseInvitation(formatInvitation({ ...invitation, ca: 'x' }))).toThrow('not an invitation');
  });
});

test('a server has the names of its address', () => {
  expect(hostsOf('tls://a.example:1,nats://10.0.0.1,tls://[::1]:2')).toEqual([
    'a.example',
    '10.0.0.1',
    '::1',
  ]);
});
