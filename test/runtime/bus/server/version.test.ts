import { expect, test } from 'vitest';
import {
  compareVersions,
  isSupportedVersion,
  parseBusServerVersion,
} from '../../../../src/runtime/bus/server/version.ts';

test.each([
  ['nats-server: v2.15.1\n', '2.15.1'],
  ['nats-server: v2.12.0-RC.3', '2.12.0-RC.3'],
  ['nats-server version 2.9.10', '2.9.10'],
  ['a warning first\nnats-server: v2.14.0\n', '2.14.0'],
  ['v24.21.0', undefined],
  ['nginx version: nginx/1.22.1', undefined],
  ['nats-server: v2.15', undefined],
  ['', undefined],
])('reads %j as %s', (output, version) => {
  expect(parseBusServerVersion(output)).toBe(version);
});

test('orders versions as Semantic Versioning does', () => {
  const sorted = [
    '2.9.10',
    '2.11.12',
    '2.12.0-RC.2',
    '2.12.0-RC.10',
    '2.12.0-preview',
    '2.12.0',
    '2.15.1',
    '3.0.0',
  ];
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
  expect(compareVersions('2.15.0', '2.15.0')).toBe(0);
});

test('supports 2.12.0 and later', () => {
  expect(['2.11.99', '2.12.0-RC.1', '2.12.0', '2.15.1', '10.0.0'].map(isSupportedVersion)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});
