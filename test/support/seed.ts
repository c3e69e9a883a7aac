import { randomInt } from 'node:crypto';
import process from 'node:process';

const DEFAULT_SEED = 4711;

/**
 * What tests with random cases start from. It is the same each time, so that a test that fails is one that a change
 * made fail; AIPG_TEST_SEED gives another, and `random` a new one each time, to look for what nobody thought of.
 */
export function testSeed(): number {
  const given = process.env['AIPG_TEST_SEED'] ?? '';
  if (given === 'random') return randomInt(2 ** 31);
  return given === '' ? DEFAULT_SEED : Number(given);
}
