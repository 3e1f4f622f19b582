'use strict';
// Opens a report in Chromium as a person would, and says what does not work.
//
//     node browse.js PAGE [FOLDER]
//
// With a folder, pictures of the page are left there: wide and narrow, light and dark.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const puppeteer = require('puppeteer-core');

const [page_file, pictures] = process.argv.slice(2);

const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

async function main() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'smtp-conformance-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    userDataDir: profile,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  try {
    await wide(browser);
    await narrow(browser);
    if (pictures) await takePictures(browser);
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

/** A page, and what went wrong on it so far. */
async function visit(browser, viewport, hash = '') {
  const page = await browser.newPage();
  const wrong = [];
  page.on('console', (message) => { if (message.type() !== 'log') wrong.push(`${message.type()}: ${message.text()}`); });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => { if (!/^(file|data):/.test(request.url())) wrong.push(`it loads ${request.url()}`); });
  await page.setViewport(viewport);
  await page.goto(pathToFileURL(page_file).href + hash, { waitUntil: 'load' });
  return { page, wrong };
}

const visible = (page) => page.$$eval('tr.requirement', (rows) => rows.filter((row) => row.offsetParent !== null).map((row) => row.id));

async function wide(browser) {
  const { page, wrong } = await visit(browser, WIDE);
  const data = await page.$eval('#data', (element) => JSON.parse(element.textContent));
  assert.equal((await visible(page)).length, data.rows.length, 'every requirement is a row');
  assert.deepEqual(await page.$$eval('thead th.target', (heads) => heads.map((head) => head.title)), data.targets.map((target) => target.name));
  assert.equal(await overflow(page), 0, 'nothing stands out to the right');

  // Each filter, alone, against the data.
  const fits = async (expected, what) => assert.deepEqual(await visible(page), data.rows.filter(expected).map((row) => row.id), what);
  const verdicts = (row) => row.cells.filter(Boolean).map((cell) => cell.verdict);
  await page.keyboard.press('/');
  const first = data.rows[0];
  await page.keyboard.type(first.id.toUpperCase());
  const found = await visible(page);
  assert.ok(found.includes(first.id) && found.length < data.rows.length, 'text');
  await page.click('#clear');
  await fits(() => true, 'cleared');
  for (const level of new Set(data.rows.map((row) => row.level))) {
    await page.select('#level', level);
    await fits((row) => row.level === level, level);
  }
  await page.select('#level', '');
  await page.select('#role', 'server');
  await fits((row) => row.actor === 'server' || row.actor === 'both', 'server');
  await page.select('#role', '');
  await page.select('#section', `${first.rfc} ${first.section}`);
  await fits((row) => row.rfc === first.rfc && (row.section === first.section || row.section.startsWith(`${first.section}.`)), 'section');
  await page.select('#section', '');
  for (const verdict of ['PASS', 'INFO', 'WARN', 'FAIL', 'ERROR', 'SKIP']) {
    await page.select('#verdict', verdict);
    await fits((row) => verdicts(row).includes(verdict), verdict);
  }
  await page.select('#verdict', 'uncovered');
  await fits((row) => verdicts(row).length === 0, 'uncovered');
  await page.type('#text', 'there is certainly no such text');
  assert.equal(await page.$eval('#empty', (element) => element.hidden), false, 'an empty result says so');
  await page.click('#clear-too');
  await fits(() => true, 'cleared again');

  await dialogues(page, data);
  await keys(page);
  assert.deepEqual(wrong, []);
  await page.close();

  // The address leads to a requirement, or sets the filters.
  const last = data.rows.at(-1).id;
  const there = await visit(browser, WIDE, `#${last}`);
  const place = await there.page.$eval('tr.here', (row) => ({ id: row.id, top: row.getBoundingClientRect().top }));
  assert.equal(place.id, last);
  assert.ok(place.top > 0 && place.top < WIDE.height, 'it is in view');
  const filtered = await visit(browser, WIDE, '#?verdict=covered&level=MUST');
  const covered = data.rows.filter((row) => row.level === 'MUST' && verdicts(row).length > 0);
  assert.deepEqual(await visible(filtered.page), covered.map((row) => row.id));
  assert.deepEqual([...there.wrong, ...filtered.wrong], []);
}

/** Every cell of the first rows that have some opens its transcripts, the worst first. */
async function dialogues(page, data) {
  let opened = 0;
  for (const row of data.rows.filter((row) => row.cells.some(Boolean)).slice(0, 5)) {
    for (const [target, cell] of row.cells.entries()) {
      if (!cell) continue;
      const name = data.targets[target].name;
      await page.evaluate((id, name) => document.getElementById(id).querySelector(`button[data-target="${CSS.escape(name)}"]`).click(), row.id, name);
      const seen = await page.$eval('#cell', (dialog) => ({
        open: dialog.open,
        id: dialog.querySelector('h2').textContent,
        link: dialog.querySelector('#cell-facts a').href,
        chosen: dialog.querySelector('[aria-selected="true"]').lastChild.textContent,
        cases: [...dialog.querySelectorAll('.case > summary small')].map((element) => element.textContent.split(',')[0]),
        worst: dialog.querySelector('.case .v b').textContent,
        lines: [...dialog.querySelectorAll('.case[open] > div > .lines li')].map((element) => element.textContent),
      }));
      assert.ok(seen.open);
      assert.deepEqual([seen.id, seen.chosen, seen.worst], [row.id, name, cell.verdict]);
      assert.match(seen.link, new RegExp(`^https://www\\.rfc-editor\\.org/rfc/rfc${row.rfc}\\.html#(section|appendix)-`));
      assert.deepEqual(seen.cases.sort(), cell.reports.map((entry) => data.reports[entry.report].id).sort());
      const worst = cell.reports.filter((entry) => entry.verdict === cell.verdict).map((entry) => data.dialogues[data.reports[entry.report].dialogue]);
      assert.ok(worst.some((dialogue) => JSON.stringify(dialogue) === JSON.stringify(seen.lines)), 'the dialogue is there, letter for letter');
      await page.keyboard.press('Escape');
      assert.equal(await page.$eval('#cell', (dialog) => dialog.open), false, 'Escape closes it');
      opened += 1;
    }
  }
  assert.ok(opened > 0, 'some cell was opened');
}

/** All of it without a mouse. */
async function keys(page) {
  const focused = () => page.evaluate(() => [document.activeElement.closest('tr')?.id, document.activeElement.dataset.target]);
  await page.evaluate(() => document.querySelector('td.cell button.v').focus());
  const start = await focused();
  await page.keyboard.press('ArrowDown');
  const below = await focused();
  assert.notEqual(below[0], start[0]);
  assert.equal(below[1], start[1]);
  await page.keyboard.press('ArrowRight');
  assert.notEqual((await focused())[1], start[1]);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowUp');
  assert.deepEqual(await focused(), start);
  await page.keyboard.press('Enter');
  const chosen = () => page.$eval('#cell [aria-selected="true"]', (tab) => tab.lastChild.textContent);
  const before = await chosen();
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await chosen(), before, 'the next target');
  await page.keyboard.press('Escape');
}

async function narrow(browser) {
  const { page, wrong } = await visit(browser, NARROW);
  assert.equal(await overflow(page), 0, 'nothing stands out to the right');
  await page.tap('#more');
  assert.ok(await page.$eval('#verdict', (select) => select.offsetParent !== null), 'the filters unfold');
  await page.select('#verdict', 'covered');
  await page.tap('#more');
  assert.ok((await visible(page)).length > 0);
  await page.$eval('td.cell button.v', (button) => button.scrollIntoView({ block: 'center' }));
  await page.tap('td.cell button.v');
  const size = await page.$eval('#cell', (dialog) => ({ open: dialog.open, width: dialog.getBoundingClientRect().width }));
  assert.deepEqual(size, { open: true, width: NARROW.width });
  await page.tap('#close');
  assert.equal(await page.$eval('#cell', (dialog) => dialog.open), false);
  assert.deepEqual(wrong, []);
  await page.close();
}

const overflow = (page) => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));

async function takePictures(browser) {
  for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
    for (const scheme of ['light', 'dark']) {
      const { page } = await visit(browser, viewport);
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      const take = (name) => page.screenshot({ path: path.join(pictures, `${size}-${scheme}-${name}.png`) });
      await take('top');
      const worst = await page.$('td.cell button.fail') ?? await page.$('td.cell button.warn') ?? await page.$('td.cell button.v');
      await worst.evaluate((button) => button.scrollIntoView({ block: 'center' }));
      await take('rows');
      await worst.evaluate((button) => button.click());
      await take('cell');
      await page.close();
    }
  }
}

main().then(() => console.log('ok'), (error) => {
  console.error(error);
  process.exitCode = 1;
});
