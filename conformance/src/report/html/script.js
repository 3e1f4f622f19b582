'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);

const VERDICTS = {
  PASS: ['✓', 'as it has to be'],
  INFO: ['i', 'one of the ways that are allowed'],
  WARN: ['!', 'against a SHOULD'],
  FAIL: ['✕', 'against a MUST, or against the grammar'],
  ERROR: ['?', 'the harness did not get there'],
  SKIP: ['–', 'not played'],
};
const UNCOVERED = {
  wire: 'no transcript',
  api: 'shows only in an interface',
  policy: 'a matter of configuration',
  na: 'outside of the protocol',
};

/** An element with attributes and children; texts become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function badge(verdict, tag = 'span', attributes = {}) {
  const { class: more = '', ...others } = attributes;
  const glyph = make('span', { 'aria-hidden': 'true' }, VERDICTS[verdict][0]);
  return make(tag, { class: `v ${verdict.toLowerCase()} ${more}`, ...others }, glyph, make('b', {}, verdict));
}

function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function levelTag(level) {
  const binding = ['MUST', 'MUST-NOT', 'GRAMMAR', 'PROSE'].includes(level);
  return make('span', { class: binding ? 'tag binding' : 'tag' }, level.replace('-', ' '));
}

function sectionLink(row) {
  const anchor = /^[A-Z]/.test(row.section) ? `appendix-${row.section}` : `section-${row.section}`;
  const href = `https://www.rfc-editor.org/rfc/rfc${row.rfc}.html#${anchor}`;
  return make('a', { href, target: '_blank', rel: 'noopener', title: `RFC ${row.rfc}, section ${row.section}` }, `§${row.section}`);
}

// ---- What was run

function showTargets() {
  const covered = data.rows.filter((row) => row.cells.some(Boolean)).length;
  byId('lede').textContent = `${plural(data.reports.length, 'case')} on ${plural(data.targets.length, 'target')}, `
    + `about ${covered} of ${plural(data.rows.length, 'requirement')}. ${data.made}, version ${data.version}.`;
  byId('targets').append(...data.targets.map((target) => {
    const shown = Object.keys(VERDICTS).filter((verdict) => target.counts[verdict]);
    const part = (verdict) => make('i', { class: verdict.toLowerCase(), style: `flex-grow: ${target.counts[verdict]}` });
    const count = (verdict) => make('span', { class: verdict.toLowerCase() }, make('b', {}, String(target.counts[verdict])), ` ${verdict.toLowerCase()}`);
    return make('li', {},
      make('h2', {}, target.name, make('span', {}, `${target.seconds.toFixed(1)} s`)),
      make('div', { class: 'bar', 'aria-hidden': 'true' }, ...shown.map(part)),
      make('p', { class: 'counts' }, ...shown.map(count)));
  }));
  byId('legend').append(...Object.entries(VERDICTS).map(([verdict, [, meaning]]) => make('li', {}, badge(verdict), meaning)));
}

// ---- The matrix

const shownRows = [];

function showMatrix() {
  const names = data.targets.map((target) => target.name);
  const matrix = byId('matrix');
  matrix.classList.toggle('many', names.length > 6 || names.some((name) => name.length > 14));
  byId('head').append(
    ...['Requirement', 'Section', 'Level', 'Statement'].map((title) => make('th', { scope: 'col' }, title)),
    ...names.map((name) => make('th', { scope: 'col', class: 'target', title: name }, make('span', {}, name))));

  for (const document of data.documents) {
    const body = make('tbody', { class: 'document' });
    const rows = data.rows.filter((row) => row.rfc === document.rfc);
    const title = make('tr', {}, make('th', { colspan: 4 + names.length, scope: 'rowgroup' },
      `RFC ${document.rfc}`, make('small', {}, document.title)));
    body.append(title);
    for (const row of rows) {
      const element = showRow(row);
      body.append(element);
      shownRows.push({ row, element, title, haystack: haystack(row) });
    }
    if (rows.length) matrix.append(body);
  }
  matrix.hidden = false;
}

function showRow(row) {
  const cells = row.cells.map((cell, target) => showCell(row, cell, target));
  const none = make('td', { class: 'none', colspan: data.targets.length, title: row.exception },
    row.exception ?? UNCOVERED[row.checkable] ?? 'no transcript');
  return make('tr', { class: 'requirement', id: row.id },
    make('td', { class: 'id' }, make('a', { href: `#${row.id}` }, row.id)),
    make('td', { class: 'section' }, sectionLink(row)),
    make('td', { class: 'level' }, levelTag(row.level)),
    make('td', { class: 'statement' }, row.statement, ' ', make('small', {}, row.actor)),
    ...(row.cells.some(Boolean) ? cells : [none]));
}

function showCell(row, cell, target) {
  if (!cell) return make('td', { class: 'cell' });
  const name = data.targets[target].name;
  const label = `${cell.verdict}: ${row.id} on ${name}, ${plural(cell.reports.length, 'transcript')}`;
  const known = cell.known ? 'known' : '';
  const button = badge(cell.verdict, 'button', { class: known, type: 'button', 'aria-label': label, title: label, 'data-target': name });
  button.addEventListener('click', () => open(row, target));
  return make('td', { class: 'cell' }, button);
}

function haystack(row) {
  const reports = new Set(row.cells.filter(Boolean).flatMap((cell) => cell.reports.map((entry) => data.reports[entry.report].case)));
  const cases = [...reports].map((index) => `${data.cases[index].id} ${data.cases[index].title}`);
  return [row.id, `rfc ${row.rfc} §${row.section}`, row.statement, row.actor, ...cases].join('\n').toLowerCase();
}

// ---- Filters

const filters = ['text', 'section', 'level', 'role', 'verdict'];

function fillFilters() {
  const option = (value, label = value) => make('option', { value }, label);
  const sections = data.documents.map((document) => {
    const own = data.rows.filter((row) => row.rfc === document.rfc).map((row) => row.section);
    const group = make('optgroup', { label: `RFC ${document.rfc}` }, option(`${document.rfc}`, `RFC ${document.rfc}, all`));
    group.append(...withChapters(own).map((section) => option(`${document.rfc} ${section}`, `§${section}`)));
    return group;
  });
  byId('section').append(option('', 'all'), ...sections);
  const levels = ['MUST', 'MUST-NOT', 'GRAMMAR', 'PROSE', 'SHOULD', 'SHOULD-NOT', 'MAY'];
  byId('level').append(option('', 'all'), option('binding', 'binding'), ...levels.map((level) => option(level, level.replace('-', ' '))));
  const roles = [...new Set(data.rows.map((row) => row.actor))].filter((role) => role !== 'both');
  byId('role').append(option('', 'all'), ...roles.map((role) => option(role)));
  byId('verdict').append(option('', 'all'), option('bad', 'fail, warn or error'),
    ...Object.keys(VERDICTS).map((verdict) => option(verdict, verdict.toLowerCase())),
    option('covered', 'with transcripts'), option('uncovered', 'without transcripts'));
}

/** Sections, and those that hold them, so that one can choose a whole chapter: §4.1 before §4.1.1. */
function withChapters(sections) {
  const all = new Set();
  for (const section of sections) {
    const parts = section.split('.');
    for (let length = 1; length < parts.length; length += 1) all.add(parts.slice(0, length).join('.'));
    all.add(section);
  }
  return [...all];
}

function applyFilters() {
  const chosen = Object.fromEntries(filters.map((name) => [name, byId(name).value.trim()]));
  const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  const [rfc, section] = chosen.section.split(' ');
  const titles = new Map();
  let number = 0;
  for (const { row, element, title, haystack } of shownRows) {
    const fits = words.every((word) => haystack.includes(word))
      && (!rfc || row.rfc === rfc)
      && (!section || row.section === section || row.section.startsWith(`${section}.`))
      && fitsLevel(row.level, chosen.level)
      && (!chosen.role || row.actor === chosen.role || (row.actor === 'both' && ['client', 'server'].includes(chosen.role)))
      && fitsVerdict(row.cells.filter(Boolean).map((cell) => cell.verdict), chosen.verdict);
    element.hidden = !fits;
    number += fits ? 1 : 0;
    titles.set(title, titles.get(title) || fits);
  }
  for (const [title, any] of titles) title.hidden = !any;
  const active = filters.filter((name) => chosen[name]);
  byId('shown').textContent = active.length ? `${number} of ${shownRows.length}` : plural(number, 'requirement');
  byId('empty').hidden = number > 0;
  byId('matrix').hidden = number === 0;
  byId('clear').hidden = active.length === 0;
  const choices = active.filter((name) => name !== 'text').length;
  byId('more').textContent = choices ? `Filters (${choices})` : 'Filters';
  byId('more').classList.toggle('set', choices > 0);
  const query = new URLSearchParams(active.map((name) => [name, chosen[name]])).toString();
  if (query) history.replaceState(null, '', `#?${query}`);
  else if (location.hash.startsWith('#?')) history.replaceState(null, '', '#');
}

function fitsLevel(level, chosen) {
  return !chosen || level === chosen || (chosen === 'binding' && ['MUST', 'MUST-NOT', 'GRAMMAR', 'PROSE'].includes(level));
}

function fitsVerdict(verdicts, chosen) {
  if (chosen === 'bad') return verdicts.some((verdict) => ['WARN', 'FAIL', 'ERROR'].includes(verdict));
  if (chosen === 'covered') return verdicts.length > 0;
  if (chosen === 'uncovered') return verdicts.length === 0;
  return !chosen || verdicts.includes(chosen);
}

/** The address tells the filters (`#?verdict=FAIL`) or a requirement (`#R-4.2-01`). */
function followAddress() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (hash.startsWith('?')) {
    const query = new URLSearchParams(hash.slice(1));
    for (const name of filters) byId(name).value = query.get(name) ?? '';
  }
  applyFilters();
  for (const { row, element } of shownRows) {
    element.classList.toggle('here', row.id === hash);
    if (row.id === hash) {
      if (element.hidden) clear();
      element.scrollIntoView({ block: 'center' });
    }
  }
}

function clear() {
  for (const name of filters) byId(name).value = '';
  applyFilters();
}

// ---- What stands behind a cell

let opened = null;

function open(row, target) {
  opened = { row, target };
  byId('cell-id').textContent = row.id;
  byId('cell-facts').replaceChildren(levelTag(row.level), make('span', {}, `RFC ${row.rfc} `, sectionLink(row)), make('span', {}, row.actor));
  byId('cell-statement').textContent = row.statement;
  byId('cell-targets').replaceChildren(...data.targets.map(({ name }, index) => {
    const cell = row.cells[index];
    const button = make('button', { type: 'button', role: 'tab', 'aria-selected': String(index === target), disabled: !cell, tabindex: index === target ? 0 : -1 },
      cell ? badge(cell.verdict) : null, name);
    button.addEventListener('click', () => open(row, index));
    return button;
  }));
  const cell = row.cells[target];
  const worstFirst = [...cell.reports].sort((a, b) => rank(b.verdict) - rank(a.verdict));
  byId('cell-cases').replaceChildren(...worstFirst.map((entry, index) => showCase(row, entry, index === 0)));
  byId('cell-cases').scrollTop = 0;
  if (!byId('cell').open) byId('cell').showModal();
  byId('cell-targets').children[target].focus();
}

function rank(verdict) {
  return ['SKIP', 'PASS', 'INFO', 'WARN', 'FAIL', 'ERROR'].indexOf(verdict);
}

function showCase(row, entry, isOpen) {
  const report = data.reports[entry.report];
  const about = data.cases[report.case];
  const mine = report.findings.filter((finding) => finding.requirement === row.id);
  const others = report.findings.filter((finding) => finding.requirement !== row.id);
  const inside = make('div');
  if (!entry.reached) inside.append(make('p', { class: 'note' }, 'The case ended before it came to this requirement.'));
  inside.append(...report.surprises.map((surprise) => make('p', { class: 'note loud' }, `Not as expected: ${surprise}`)));
  inside.append(...report.known.map((reason) => make('p', { class: 'note' }, `A known failure: ${reason}`)));
  inside.append(...mine.map((finding) => showFinding(finding, '')));
  const loud = others.filter((finding) => finding.verdict !== 'PASS');
  inside.append(...loud.map((finding) => showFinding(finding, 'other')));
  const dialogue = data.dialogues[report.dialogue];
  if (dialogue.length) inside.append(make('h3', {}, 'The dialogue'), showLines(dialogue));
  else if (entry.verdict === 'PASS') inside.append(make('p', { class: 'note' }, 'It went as the transcript says.'));
  if (about.source.length) {
    const marks = new Map(report.findings.filter((finding) => finding.verdict !== 'PASS').map((finding) => [finding.line, finding.verdict]));
    inside.append(make('details', { class: 'source' }, make('summary', {}, `The transcript ${about.id}.smtpt`), showSource(about.source, marks)));
  }
  return make('details', { class: 'case', open: isOpen },
    make('summary', {}, badge(entry.verdict), make('span', {}, about.title), make('small', {}, `${report.id}, ${report.seconds.toFixed(2)} s`)),
    inside);
}

function showFinding(finding, more) {
  const clause = finding.requirement ? `${finding.requirement} ${finding.level} ${finding.remark}` : 'Outside of every clause';
  const facts = [['expected', finding.expected], ['got', finding.got], ['cut', finding.chunking === 'whole' ? '' : finding.chunking]];
  const list = make('dl', {}, ...facts.filter(([, text]) => text).flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)]));
  return make('div', { class: `finding ${finding.verdict.toLowerCase()} ${more}` },
    make('p', {}, badge(finding.verdict), ' ', make('code', {}, clause), finding.line ? `, line ${finding.line}` : ''),
    list.childElementCount ? list : null);
}

function side(line) {
  if (/^C/.test(line)) return 'client';
  return /^S/.test(line) ? 'server' : 'aside';
}

function showLines(lines) {
  return make('ol', { class: 'lines' }, ...lines.map((line) => make('li', { class: side(line) }, line)));
}

function showSource(source, marks) {
  return make('ol', { class: 'lines' }, ...source.map(([number, line]) => {
    const mark = marks.get(number);
    return make('li', { class: `${side(line)} ${mark ? `marked ${mark.toLowerCase()}` : ''}`, 'data-number': number }, line);
  }));
}

/** Opens the next target of the same requirement that has a cell. */
function turn(step) {
  const { row, target } = opened;
  for (let index = target + step; index >= 0 && index < row.cells.length; index += step) {
    if (row.cells[index]) {
      open(row, index);
      return;
    }
  }
}

// ---- Keys

/** Moves from one cell of the matrix to the next one in a direction. */
function move(button, key) {
  const cell = button.closest('td');
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const step = key === 'ArrowLeft' ? 'previousElementSibling' : 'nextElementSibling';
    for (let next = cell[step]; next; next = next[step]) {
      const found = next.querySelector('button.v');
      if (found) return found;
    }
    return null;
  }
  const visible = shownRows.filter(({ element }) => !element.hidden).map(({ element }) => element);
  const step = key === 'ArrowUp' ? -1 : 1;
  for (let index = visible.indexOf(cell.parentElement) + step; visible[index]; index += step) {
    const found = visible[index].children[cell.cellIndex]?.querySelector('button.v');
    if (found) return found;
  }
  return null;
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const isArrow = event.key.startsWith('Arrow');
  if (byId('cell').open) {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      turn(event.key === 'ArrowLeft' ? -1 : 1);
      event.preventDefault();
    }
  } else if (event.key === '/' && !event.target.matches('input, select')) {
    byId('text').focus();
    event.preventDefault();
  } else if (isArrow && event.target.matches('td.cell button.v')) {
    const next = move(event.target, event.key);
    if (next) {
      next.focus();
      next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    event.preventDefault();
  }
});

byId('close').addEventListener('click', () => byId('cell').close());
byId('cell').addEventListener('click', (event) => { if (event.target === byId('cell')) byId('cell').close(); });
byId('filters').addEventListener('input', applyFilters);
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('filters').addEventListener('reset', (event) => { event.preventDefault(); clear(); });
byId('clear-too').addEventListener('click', clear);
byId('more').addEventListener('click', () => {
  const isOpen = byId('filters').classList.toggle('open');
  byId('more').setAttribute('aria-expanded', String(isOpen));
});
window.addEventListener('hashchange', followAddress);
new ResizeObserver(() => document.documentElement.style.setProperty('--filters', `${byId('filters').offsetHeight}px`)).observe(byId('filters'));

showTargets();
fillFilters();
showMatrix();
followAddress();
