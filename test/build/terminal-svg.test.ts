import { expect, test } from 'vitest';
import { terminalSvg } from '../../build/terminal-svg.ts';

const draw = (screen: string) =>
  terminalSvg(screen, { title: 'a screen', columns: 10, rows: 2 }).split('\n').slice(3, -2);

test('each word has its place, its columns and its style', () => {
  expect(draw('a \u001b[1;32m千b\u001b[0m\n\u001b[2mc')).toEqual([
    expect.stringMatching(/^<text x="12" y="25.5" textLength="8.4".* fill="#d0d7de">a<\/text>$/),
    expect.stringMatching(
      /^<text x="28.8" y="25.5" textLength="25.2".* fill="#56d364" font-weight="bold">千b<\/text>$/,
    ),
    expect.stringMatching(/^<text x="12" y="43.5".* opacity="0.6">c<\/text>$/),
  ]);
});

test('inverse text has its colour behind it, blanks too', () => {
  expect(draw('\u001b[7m a\u001b[27m')).toEqual([
    '<rect x="12" y="12" width="8.4" height="18" fill="#d0d7de"/>',
    expect.stringMatching(/^<rect x="20.4".*fill="#d0d7de"\/><text x="20.4".* fill="#0d1117">a<\/text>$/),
  ]);
});

test('braille is drawn dot by dot, the blank one not at all', () => {
  const [shape = ''] = draw('\u001b[36m⠀⢀⣿\u001b[39m');
  expect(shape).toMatch(/^<path fill="#56d4dd"/);
  expect(shape.match(/M/g)).toHaveLength(9);
});

test('what means something in XML is only text', () => {
  expect(draw('<a>&')[0]).toContain('&lt;a&gt;&amp;');
});
